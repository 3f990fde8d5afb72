"""Cuts are found, and pans, zooms and light are none, on rendered landscapes."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from huescape.color.spaces import rgb_to_lab
from huescape.film.cuts import LIMIT, change, is_cut
from huescape.landscapes.render import CATEGORIES, render_scene

HEIGHT, WIDTH = 120, 160


@pytest.fixture(scope="module")
def scenes() -> list[np.ndarray]:
    """Lightness of 0 to 1, three pictures wide."""
    found = []
    for category, seed in itertools.product(CATEGORIES[:8], range(2)):
        rgb_HW3 = render_scene(category, np.random.default_rng(seed), 3 * WIDTH, HEIGHT)
        found.append((rgb_to_lab(rgb_HW3)[..., 0] / 100).astype(np.float32))
    return found


def test_most_cuts_between_scenes_are_found(scenes: list[np.ndarray]) -> None:
    pairs = list(itertools.combinations([scene[:, :WIDTH] for scene in scenes], 2))
    found = [is_cut(*pair) for pair in pairs]
    assert np.mean(found) > 0.9


@pytest.mark.parametrize("speed", [1, 7, 13, 32, 50])
def test_no_pan_is_a_cut(scenes: list[np.ndarray], speed: int) -> None:
    """Up to a third of the picture's width a frame."""
    for scene in scenes:
        for left in range(0, 2 * WIDTH - speed, 61):
            before, now = (scene[:, x : x + WIDTH] for x in (left, left + speed))
            assert not is_cut(before, now), change(before, now)


def test_grain_and_a_slow_zoom_are_no_cuts(scenes: list[np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    for scene in scenes:
        before = scene[:, :WIDTH]
        assert not is_cut(before, np.clip(before + rng.normal(0, 0.08, before.shape), 0, 1))
        inner = cv2.resize(before[3:-3, 4:-4], (WIDTH, HEIGHT))
        assert not is_cut(before, inner)


def test_a_film_of_four_scenes_has_three_cuts(scenes: list[np.ndarray]) -> None:
    film = [scene[:, 5 * i : 5 * i + WIDTH] for scene in scenes[::5] for i in range(8)]
    found = [i for i in range(1, len(film)) if is_cut(film[i - 1], film[i])]
    assert found == [8, 16, 24]


def test_dark_frames_that_differ_by_grain_are_no_cut() -> None:
    rng = np.random.default_rng(0)
    before, now = (np.clip(rng.normal(0.02, 0.01, (HEIGHT, WIDTH)), 0, 1) for _ in range(2))
    assert not is_cut(before, now)


def test_another_size_is_another_scene() -> None:
    assert is_cut(np.zeros((20, 30)), np.zeros((30, 20)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 3)])
def test_any_shape(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    assert change(rng.random(shape), rng.random(shape)) >= 0
    assert change(np.zeros(shape), np.zeros(shape)) <= LIMIT
