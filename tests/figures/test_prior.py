"""The four maps of a prior: each bin where it belongs, in its own color."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.color.bins import gamut_centers
from huescape.color.cells import cell_borders
from huescape.color.priors import rebalancing_weights, smooth_prior
from huescape.color.spaces import SPACES, rgb_to_lab
from huescape.figures import prior

LAB = gamut_centers()
YUV = np.array([[-0.1, 0.1], [0.02, 0.03], [0.2, -0.2], [-0.15, 0.3]])


def mass(centers: np.ndarray) -> np.ndarray:
    spread = np.exp(-np.linalg.norm(centers, axis=1) / (np.abs(centers).max() / 6))
    spread[spread < spread.max() / 1e3] = 0
    return spread / spread.sum()


@pytest.mark.parametrize(("space", "centers"), [("lab", LAB), ("yuv", YUV)])
def test_the_same_bytes(tmp_path: Path, space: str, centers: np.ndarray) -> None:
    p = mass(centers)
    smoothed = smooth_prior(p, centers, 5.0 if space == "lab" else 0.0)
    weights, _ = rebalancing_weights(smoothed, 0.5)
    for name in "ab":
        prior.draw(tmp_path / f"{name}.png", {"centers": centers}, p, smoothed, weights, space)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size == (1320, 1080)


@pytest.mark.parametrize(
    "p",
    [np.eye(4)[0], np.full(4, 0.25), np.array([1e-300, 0.5, 0.5, 0])],
    ids=["one", "flat", "tiny"],
)
def test_degenerate_priors_can_be_drawn(tmp_path: Path, p: np.ndarray) -> None:
    weights, _ = rebalancing_weights(p, 0.0)
    prior.draw(tmp_path / "prior.png", {"centers": YUV}, p, p, weights, "yuv")
    one = np.ones(1)
    prior.draw(tmp_path / "single.png", {"centers": YUV[:1]}, one, one, one, "yuv")
    assert (tmp_path / "single.png").stat().st_size > 1000


def test_a_bin_that_is_a_cell_is_drawn_as_it(tmp_path: Path) -> None:
    borders, cells = cell_borders(((-0.5, 0.5), (-0.5, 0.5)), 5), np.array([12, 3, 24, 21])
    bins = {"centers": YUV, "borders": borders, "cells": cells}
    extent, index_GG = prior._kept_cells(borders, cells)
    assert extent == (-0.5, 0.5, -0.5, 0.5)
    blocks = index_GG.reshape(5, 80, 5, 80).swapaxes(1, 2).reshape(25, -1)
    drawn = {number: set(block.tolist()) for number, block in enumerate(blocks)}
    assert prior._kept_cells(borders, np.array([12]))[0] == pytest.approx((-0.3, 0.3, -0.3, 0.3))
    # Rows of the picture rise with the second channel, those of the cells with the first.
    wanted = {12: {0}, 15: {1}, 24: {2}, 9: {3}}
    assert drawn == {number: wanted.get(number, {-1}) for number in range(25)}
    p = np.array([0.7, 0.1, 0.1, 0.1])
    prior.draw(tmp_path / "cells.png", bins, p, p, 1 / p, "yuv")
    assert (tmp_path / "cells.png").stat().st_size > 10_000


def test_territories_of_a_grid_are_its_squares() -> None:
    (left, right, bottom, top), index_GG = prior._territories(LAB)
    assert (left, right, bottom, top) == (-100, 110, -120, 110)
    assert set(np.unique(index_GG)) == set(range(-1, 313))
    steps = (np.arange(400) + 0.5) / 400
    a, b = left + steps * (right - left), bottom + steps * (top - bottom)
    wanted = np.array([[np.round(x / 10) * 10, np.round(y / 10) * 10] for y in b for x in a])
    table = {tuple(c): number for number, c in enumerate(LAB.tolist())}
    expected = [table.get(tuple(w), -1) for w in wanted.tolist()]
    assert (index_GG.ravel() == expected).mean() > 0.999  # ties on the edges of squares


def test_bins_are_shown_in_their_own_hue() -> None:
    """Where the gamut allows, the color shown has exactly the bin's ab; outside, a near hue."""
    ab = rgb_to_lab(prior._bin_colors(LAB, SPACES["lab"]))[:, 1:]
    inside = np.linalg.norm(LAB, axis=1) < 30
    assert np.abs(ab - LAB)[inside].max() < 1.01
    hue = np.arctan2(*LAB.T), np.arctan2(*ab.T)
    colored = np.linalg.norm(LAB, axis=1) > 20
    turn = np.abs(np.angle(np.exp(1j * (hue[0] - hue[1]))))[colored]
    assert np.degrees(np.median(turn)) < 3
    assert np.degrees(turn.max()) < 50
