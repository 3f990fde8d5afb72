"""Two priors side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.color.bins import gamut_centers
from huescape.color.cells import cell_borders
from huescape.figures import two_priors

LAB = {"centers": gamut_centers()}
CELLS = {
    "centers": np.array([[0.0, 0.0], [0.1, 0.1], [-0.1, 0.2]]),
    "borders": cell_borders(((-0.45, 0.45), (-0.65, 0.65)), 10),
    "cells": np.array([55, 66, 46]),
}


@pytest.mark.parametrize(("space", "bins"), [("lab", LAB), ("yuv", CELLS)])
def test_the_same_bytes(tmp_path: Path, space: str, bins: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.dirichlet(np.full(len(bins["centers"]), 0.1), 2)
    for name in "ab":
        two_priors.draw(tmp_path / f"{name}.png", bins, {"one": one, "other": other}, space)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size == (1440, 1140)


@pytest.mark.parametrize(
    "shares",
    [(np.eye(3)[0], np.eye(3)[1]), (np.full(3, 1 / 3), np.full(3, 1 / 3))],
    ids=["nothing in common", "alike"],
)
def test_degenerate_priors_can_be_drawn(tmp_path: Path, shares: tuple[np.ndarray, ...]) -> None:
    two_priors.draw(tmp_path / "x.png", CELLS, dict(zip("ab", shares, strict=True)), "yuv")
    assert (tmp_path / "x.png").stat().st_size > 10_000
