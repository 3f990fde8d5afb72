"""Motion that is known: shifts, what comes in, what is covered."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from huescape.film.flow import FlowEstimator, Motion, both_ways


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Blotches of 0 to 1."""
    noise_hw = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    smooth_hw = cv2.GaussianBlur(noise_hw, (0, 0), 2)
    low, high = smooth_hw.min(), smooth_hw.max()
    return (smooth_hw - low) / (high - low)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 5), (-4, 3), (0, -12)])
def test_a_shift_is_found(down: int, right: int) -> None:
    wide_hw = texture(160, 200)
    before_hw = wide_hw[20:140, 20:180]
    now_hw = wide_hw[20 - down : 140 - down, 20 - right : 180 - right]
    motion = FlowEstimator().motion(before_hw, now_hw)
    assert motion is not None
    inner = motion.flow_hw2[20:-20, 20:-20].reshape(-1, 2)
    assert np.abs(inner - (-right, -down)).max() < 0.25
    assert motion.seen_hw[20:-20, 20:-20].mean() > 0.99


def test_what_comes_in_was_not_seen() -> None:
    wide_hw = texture(120, 200)
    motion = FlowEstimator().motion(wide_hw[:, :160], wide_hw[:, 10:170])
    assert motion is not None
    assert motion.seen_hw[:, 20:140].mean() > 0.99
    assert motion.seen_hw[:, -9:].mean() < 0.1  # to the right of what was there


def test_what_a_moving_thing_uncovers_was_not_seen() -> None:
    ground_hw, thing_hw = texture(120, 160), texture(40, 40, seed=1)
    before_hw, now_hw = ground_hw.copy(), ground_hw.copy()
    before_hw[40:80, 40:80] = thing_hw
    now_hw[40:80, 52:92] = thing_hw
    motion = FlowEstimator().motion(before_hw, now_hw)
    assert motion is not None
    uncovered, thing, ground = (slice(46, 74), slice(42, 50)), (slice(46, 74), slice(58, 86)), 100
    assert motion.seen_hw[uncovered].mean() < 0.4
    assert motion.seen_hw[thing].mean() > 0.9
    assert motion.seen_hw[ground:].mean() > 0.99


def test_unrelated_pictures_share_little() -> None:
    motion = FlowEstimator().motion(texture(120, 160), texture(120, 160, seed=5))
    assert motion is not None
    assert motion.seen_hw.mean() < 0.4


def test_pictures_too_small_for_a_search_have_no_motion() -> None:
    small_hw = texture(31, 200)
    assert FlowEstimator().motion(small_hw, small_hw) is None


def test_agreement_is_the_published_rule() -> None:
    """|w + w'|^2 < 0.01 (|w|^2 + |w'|^2) + 0.5, pixel by pixel, w' taken where w leads."""
    rng = np.random.default_rng(0)
    back_hw2 = rng.integers(-3, 4, (20, 30, 2)).astype(np.float32)
    forth_hw2 = rng.integers(-3, 4, (20, 30, 2)).astype(np.float32)
    found_hw = both_ways(back_hw2, forth_hw2)
    for row in range(20):
        for column in range(30):
            right, down = back_hw2[row, column]
            there = int(row + down), int(column + right)
            if not (0 <= there[0] < 20 and 0 <= there[1] < 30):
                assert not found_hw[row, column]
                continue
            home = forth_hw2[there]
            apart = ((back_hw2[row, column] + home) ** 2).sum()
            bound = 0.01 * ((back_hw2[row, column] ** 2).sum() + (home**2).sum()) + 0.5
            assert found_hw[row, column] == (apart < bound)


@pytest.mark.parametrize("stride", [1, 4])
def test_values_are_carried_to_where_they_went(stride: int) -> None:
    """Against linear interpolation, position by position."""
    m, n = 6, 8
    rng = np.random.default_rng(1)
    flow_hw2 = rng.uniform(-9, 9, (m * stride, n * stride, 2)).astype(np.float32)
    seen_hw = rng.random((m * stride, n * stride)) < 0.8
    x_1Cmn = torch.from_numpy(rng.random((1, 3, m, n)).astype(np.float32))
    found_Cmn = Motion(flow_hw2, seen_hw, stride).carried(x_1Cmn)[0].numpy()
    for i in range(m):
        for j in range(n):
            pixel = stride // 2 + stride * i, stride // 2 + stride * j
            if not seen_hw[pixel]:
                assert (found_Cmn[:, i, j] == 0).all()
                continue
            right, down = flow_hw2[pixel] / stride
            row, column = np.clip(i + down, 0, m - 1), np.clip(j + right, 0, n - 1)
            top, left = int(min(row, m - 2)), int(min(column, n - 2))
            v, u = row - top, column - left
            corners = x_1Cmn[0, :, top : top + 2, left : left + 2].numpy()
            weights = np.outer((1 - v, v), (1 - u, u))
            expected_C = (corners * weights).sum(axis=(1, 2))
            assert np.abs(found_Cmn[:, i, j] - expected_C).max() < 1e-4


def test_one_row_of_positions() -> None:
    motion = Motion(np.zeros((4, 32, 2), np.float32), np.ones((4, 32), bool), 4)
    x_1Cmn = torch.rand(1, 2, 1, 8)
    assert (motion.carried(x_1Cmn) - x_1Cmn).abs().max() < 1e-6
