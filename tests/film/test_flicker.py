"""Scores of steadiness against scipy and against cases that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from huescape.film.flicker import ColorConsistency, chroma_change
from huescape.film.flow import Motion


def reference(frames: list[np.ndarray]) -> float:
    """As the challenge's program computes it: channel by channel, interval by interval."""
    means = []
    for interval in (1, 2, 4):
        for channel in range(3):
            found = []
            for first, second in zip(frames, frames[interval:], strict=False):
                p, q = (
                    np.histogram(f[..., channel], 256, (0, 256))[0] / f[..., 0].size
                    for f in (first, second)
                )
                middle = (p + q) / 2
                found.append(0.5 * entropy(p, middle) + 0.5 * entropy(q, middle))
            means.append(np.mean(found))
    return float(np.mean(means))


def test_the_consistency_is_that_of_the_challenge() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(i, 200 + 5 * i, (20, 30, 3)).astype(np.uint8) for i in range(11)]
    score = ColorConsistency()
    for frame in frames:
        score.add(frame)
    assert score.value == pytest.approx(reference(frames))


def test_a_film_too_short_has_no_consistency() -> None:
    score = ColorConsistency()
    for _ in range(4):
        score.add(np.zeros((2, 2, 3), np.uint8))
    assert np.isnan(score.value)
    score.add(np.zeros((2, 2, 3), np.uint8))
    assert score.value == 0


def test_the_change_of_chroma_follows_what_moves() -> None:
    """Colors that move with the picture do not flicker; standing still, they would."""
    rng = np.random.default_rng(0)
    before_HW2 = rng.normal(0, 20, (12, 16, 2)).astype(np.float32)
    now_HW2 = np.roll(before_HW2, 2, axis=1)
    flow_HW2 = np.zeros((12, 16, 2), np.float32)
    flow_HW2[..., 0] = -2
    seen_HW = np.broadcast_to(np.arange(16) >= 2, (12, 16))
    still = Motion(np.zeros_like(flow_HW2), np.ones((12, 16), bool))
    assert chroma_change(before_HW2, now_HW2, Motion(flow_HW2, seen_HW)) < 1e-4
    assert chroma_change(before_HW2, now_HW2, still) > 10
    shifted_HW2 = before_HW2 + np.float32((3, 4))
    assert chroma_change(before_HW2, shifted_HW2, still) == pytest.approx(5, abs=1e-4)
    nothing = Motion(np.zeros_like(flow_HW2), np.zeros((12, 16), bool))
    assert np.isnan(chroma_change(before_HW2, now_HW2, nothing))
