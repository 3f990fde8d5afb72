"""Diffused colors against the published least squares, solved densely, and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from huescape.color.diffusion import affinities, diffuse, dissection

SHAPES = [(7, 9), (9, 4), (1, 6), (5, 1), (2, 2), (12, 11)]


def weights_of(lightness_hw: np.ndarray, y: int, x: int) -> dict[tuple[int, int], float]:
    """The weights of one pixel's neighbors, as getColorExact.m of Levin et al. has them."""
    height, width = lightness_hw.shape
    window = [
        (row, column)
        for row in range(max(0, y - 1), min(height, y + 2))
        for column in range(max(0, x - 1), min(width, x + 2))
    ]
    values = [float(lightness_hw[place]) for place in window]
    mean = sum(values) / len(values)
    spread = 0.6 * sum((value - mean) ** 2 for value in values) / len(values)
    own = float(lightness_hw[y, x])
    others = {p: float(lightness_hw[p]) for p in window if p != (y, x)}
    nearest = min((value - own) ** 2 for value in others.values())
    if spread < -nearest / math.log(0.01):
        spread = -nearest / math.log(0.01)
    spread = max(spread, 0.000002)
    found = {p: math.exp(-((value - own) ** 2) / spread) for p, value in others.items()}
    total = sum(found.values())
    return {p: weight / total for p, weight in found.items()}


def reference(
    lightness_hw: np.ndarray, seeds_Chw: np.ndarray, is_seed_hw: np.ndarray
) -> np.ndarray:
    """The least squares of eq. 1 over the pixels that are no seeds, dense."""
    height, width = lightness_hw.shape
    rows = []
    for y in range(height):
        for x in range(width):
            if not is_seed_hw[y, x]:
                row_hw = np.zeros((height, width))
                row_hw[y, x] = 1
                for place, weight in weights_of(lightness_hw, y, x).items():
                    row_hw[place] -= weight
                rows.append(row_hw.ravel())
    found_Chw = np.where(is_seed_hw, seeds_Chw, 0.0)
    if rows:
        matrix, free = np.stack(rows), ~is_seed_hw.ravel()
        fixed_PC = found_Chw.reshape(len(seeds_Chw), -1).T
        solved = np.linalg.lstsq(matrix[:, free], -matrix @ fixed_PC, rcond=None)[0]
        found_Chw.reshape(len(seeds_Chw), -1)[:, free] = solved.T
    return found_Chw


def scene(
    shape: tuple[int, int], seed: int = 0, share: float = 0.2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random lightness with flat parts, colors, and which pixels are seeds: at least one."""
    random = np.random.default_rng(seed)
    lightness_hw = random.random(shape)
    lightness_hw[: shape[0] // 2] = np.round(lightness_hw[: shape[0] // 2], 1)
    lightness_hw[:, shape[1] // 2 :] *= 0.05
    is_seed_hw = random.random(shape) < share
    is_seed_hw[random.integers(shape[0]), random.integers(shape[1])] = True
    return lightness_hw, random.normal(0, 30, (2, *shape)), is_seed_hw


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_is_the_published_least_squares(shape: tuple[int, int], share: float) -> None:
    for seed in range(5):
        given = scene(shape, seed, share)
        assert np.abs(diffuse(*given) - reference(*given)).max() < 1e-6


def test_weights_are_the_published_ones() -> None:
    lightness_hw, _, _ = scene((6, 8))
    found_8hw = affinities(lightness_hw)
    steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    for y in range(6):
        for x in range(8):
            expected = weights_of(lightness_hw, y, x)
            for step, weight in zip(steps, found_8hw[:, y, x], strict=True):
                assert weight == pytest.approx(
                    expected.get((y + step[0], x + step[1]), 0), abs=1e-9
                )


def test_seeds_stay_as_they_are() -> None:
    lightness_hw, seeds_2hw, is_seed_hw = scene((30, 40))
    found_2hw = diffuse(lightness_hw, seeds_2hw, is_seed_hw)
    assert (found_2hw[:, is_seed_hw] == seeds_2hw[:, is_seed_hw]).all()


def test_one_color_is_everywhere() -> None:
    lightness_hw, _, is_seed_hw = scene((30, 40), share=0.01)
    color_2hw = np.broadcast_to(np.array([[[12.5]], [[-70.0]]]), (2, 30, 40))
    assert np.allclose(diffuse(lightness_hw, color_2hw, is_seed_hw), color_2hw, atol=1e-9)


def test_what_is_not_a_seed_is_not_looked_at() -> None:
    lightness_hw, seeds_2hw, is_seed_hw = scene((9, 9))
    unknown_2hw = np.where(is_seed_hw, seeds_2hw, np.nan)
    expected_2hw = diffuse(lightness_hw, seeds_2hw, is_seed_hw)
    assert (diffuse(lightness_hw, unknown_2hw, is_seed_hw) == expected_2hw).all()


@pytest.mark.parametrize("seed", range(5))
def test_no_color_lies_outside_the_hull_of_the_seeds(seed: int) -> None:
    """In every direction of the plane, none is farther out than the seed that is farthest."""
    lightness_hw, seeds_2hw, is_seed_hw = scene((40, 50), seed, share=0.01)
    found_2hw = diffuse(lightness_hw, seeds_2hw, is_seed_hw)
    for turn in np.linspace(0, 2 * np.pi, 90):
        along_hw = np.cos(turn) * found_2hw[0] + np.sin(turn) * found_2hw[1]
        assert along_hw.max() <= along_hw[is_seed_hw].max() + 1e-9


def test_colors_end_at_a_strong_edge() -> None:
    """Two halves with a little grain and one seed each: little color is on the wrong side."""
    random = np.random.default_rng(0)
    lightness_hw = np.where(np.arange(60) < 25, 0.3, 0.7) + random.normal(0, 0.002, (40, 60))
    seeds_1hw, is_seed_hw = np.zeros((1, 40, 60)), np.zeros((40, 60), bool)
    is_seed_hw[[20, 5], [3, 50]] = True
    seeds_1hw[0, 5, 50] = 100
    found_hw = diffuse(lightness_hw, seeds_1hw, is_seed_hw)[0]
    assert found_hw[:, :25].max() < 6
    assert found_hw[:, 25:].min() > 94
    # Without the edge the same seeds meet in the middle.
    flat_hw = diffuse(np.full((40, 60), 0.5), seeds_1hw, is_seed_hw)[0]
    assert 30 < flat_hw[:, 20:30].mean() < 70


def test_a_mirrored_picture_has_mirrored_colors() -> None:
    lightness_hw, seeds_2hw, is_seed_hw = scene((21, 34))
    expected_2hw = diffuse(lightness_hw, seeds_2hw, is_seed_hw)
    for axis in (-1, -2):
        flipped = (np.flip(x, axis) for x in (lightness_hw, seeds_2hw, is_seed_hw))
        assert np.allclose(diffuse(*flipped), np.flip(expected_2hw, axis), atol=1e-8)
    turned = (np.swapaxes(x, -1, -2) for x in (lightness_hw, seeds_2hw, is_seed_hw))
    assert np.allclose(diffuse(*turned), np.swapaxes(expected_2hw, -1, -2), atol=1e-8)


def test_without_a_seed_there_is_nothing_to_diffuse() -> None:
    with pytest.raises(HuescapeError, match="no seed to diffuse from; allowed: one or more"):
        diffuse(np.zeros((3, 4)), np.zeros((2, 3, 4)), np.zeros((3, 4), bool))


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (64, 64), (1, 300), (33, 200)])
def test_a_dissection_has_every_pixel_once(shape: tuple[int, int]) -> None:
    assert sorted(dissection(*shape)) == list(range(shape[0] * shape[1]))
