"""Colorfulness against the paper's formula in plain floats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from huescape.base.errors import HuescapeError
from huescape.metrics.colorfulness import colorfulness


def slow(rgb_HW3: npt.NDArray[np.uint8]) -> float:
    red, green, blue = rgb_HW3.astype(np.float64).reshape(-1, 3).T
    rg, yb = red - green, (red + green) / 2 - blue
    sigma = np.sqrt(np.std(rg) ** 2 + np.std(yb) ** 2)
    return float(sigma + 0.3 * np.sqrt(np.mean(rg) ** 2 + np.mean(yb) ** 2))


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_agrees_with_the_formula(rgb_HW3: npt.NDArray[np.uint8]) -> None:
    assert colorfulness(rgb_HW3) == pytest.approx(slow(rgb_HW3), abs=1e-9)


def test_sums_of_a_large_vivid_picture_do_not_overflow() -> None:
    rgb_HW3 = np.zeros((700, 900, 3), np.uint8)
    rgb_HW3[:, :450, 2] = rgb_HW3[:, 450:, 0] = rgb_HW3[:350, 450:, 1] = 255
    assert colorfulness(rgb_HW3) == pytest.approx(slow(rgb_HW3), rel=1e-12)
    assert colorfulness(rgb_HW3[:, ::-1]) == pytest.approx(slow(rgb_HW3), rel=1e-12)


def test_gray_is_zero() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert colorfulness(levels) == 0
    assert colorfulness(levels[:0]) == 0


def test_signs_are_kept() -> None:
    """Half red, half green: rg = +255 and -255. Code that takes |rg| finds no spread there."""
    halves = np.zeros((2, 4, 3), np.uint8)
    halves[0, :, 0] = halves[1, :, 1] = 255
    assert colorfulness(halves) == pytest.approx(255 + 0.3 * 127.5)


def test_colors_in_a_line_do() -> None:
    rgb_N3 = np.random.default_rng(0).integers(0, 256, (60, 3), dtype=np.uint8)
    assert colorfulness(rgb_N3) == colorfulness(rgb_N3.reshape(6, 10, 3))


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 1), (20, 20, 4), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(HuescapeError, match=r"allowed is uint8 \(\.\.\., 3\)$"):
        colorfulness(np.zeros(shape, np.uint8))


def test_floats_are_refused() -> None:
    with pytest.raises(HuescapeError, match="a picture is float64"):
        colorfulness(np.zeros((20, 20, 3)))
