"""Running means against the sums that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from huescape.film.averages import Carried, Window
from huescape.film.flow import Motion


def sequence(frames: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(frames, 7, 3, 4, generator=generator) * 4
    return list(logits.softmax(dim=1))


def direct(past: list[torch.Tensor], frames: int, decay: float) -> np.ndarray:
    """The published sum, as it is written: sum_i p_{t-i} exp(-decay i) / sum_i exp(-decay i)."""
    total, weights = 0.0, 0.0
    for i, x in enumerate(reversed(past[-frames:])):
        total = total + x.double().numpy() * math.exp(-decay * i)
        weights += math.exp(-decay * i)
    return np.asarray(total / weights)


@pytest.mark.parametrize("decay", [0.0, 0.2, 3.0])
@pytest.mark.parametrize("frames", [1, 2, 5, 20])
def test_the_window_is_the_published_sum(frames: int, decay: float) -> None:
    window, past = Window(frames, decay), []
    for x in sequence(50):
        past.append(x)
        before = x.clone()
        found = window.add(x)
        assert np.abs(found.numpy() - direct(past, frames, decay)).max() < 1e-6
        assert (x == before).all()
        assert torch.allclose(found.sum(dim=0), torch.ones(3, 4), atol=1e-6)


def test_a_window_of_one_is_the_frame_itself() -> None:
    window = Window(1, 0.2)
    assert all((window.add(x) - x).abs().max() < 1e-7 for x in sequence(4))


def test_a_reset_window_remembers_nothing() -> None:
    first, second = sequence(30), sequence(30, seed=1)
    window, fresh = Window(20, 0.2), Window(20, 0.2)
    for x in first:
        window.add(x)
    window.reset()
    for x in second:
        assert (window.add(x) == fresh.add(x)).all()


@pytest.mark.long
def test_rounding_does_not_add_up() -> None:
    """A plain mean forgets nothing by itself: what is added must come off again."""
    window, kept = Window(20, 0.0), sequence(20)
    for i in range(100_000):
        found = window.add(kept[i % 20])
    assert np.abs(found.numpy() - direct(kept, 20, 0.0)).max() < 1e-6


def still(shape: tuple[int, int]) -> Motion:
    return Motion(np.zeros((*shape, 2), np.float32), np.ones(shape, bool))


def test_carried_without_motion_is_the_endless_window() -> None:
    carried, past = Carried(0.2), []
    for i, x in enumerate(sequence(40)):
        past.append(x)
        found = carried.add(x, still((3, 4)) if i else None)
        assert np.abs(found.numpy() - direct(past, 40, 0.2)).max() < 1e-5


def test_what_moves_is_averaged_along_its_way() -> None:
    """Everything moves a column to the right; the column that comes in begins anew."""
    flow_hw2 = np.zeros((3, 4, 2), np.float32)
    flow_hw2[..., 0] = -1
    seen_hw = np.ones((3, 4), bool)
    seen_hw[:, 0] = False
    carried, first, second = Carried(0.5), *sequence(2)
    carried.add(first, None)
    found = carried.add(second, Motion(flow_hw2, seen_hw))
    weight = math.exp(-0.5)
    expected = (second[..., 1:] + weight * first[..., :-1]) / (1 + weight)
    assert (found[..., 1:] - expected).abs().max() < 1e-6
    assert (found[..., 0] - second[..., 0]).abs().max() < 1e-7


def test_frames_without_a_known_motion_begin_anew() -> None:
    carried = Carried(0.5)
    for x in sequence(3):
        assert (carried.add(x, None) - x).abs().max() < 1e-7
