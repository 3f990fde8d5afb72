"""Chroma of other spaces as ab: inside the gamut the usual conversion, outside its continuation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.color.spaces import rgb_to_lab, rgb_to_yuv
from huescape.metrics.chroma import unclipped_ab


def slow_ab(lightness: float, u: float, v: float) -> tuple[float, float]:
    """One color in plain floats: BT.601, sRGB and CIE Lab with their linear parts continued."""
    matrix = np.array(
        [
            [0.299, 0.587, 0.114],
            [-0.299 * 0.436 / 0.886, -0.587 * 0.436 / 0.886, 0.436],
            [0.615, -0.587 * 0.615 / 0.701, -0.114 * 0.615 / 0.701],
        ]
    )
    rgb = np.linalg.solve(matrix, [lightness, u, v])
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in rgb]
    weights = [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
    xyz = np.array(weights) @ linear / [0.95047, 1.0, 1.08883]
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 500 * (fx - fy), 200 * (fy - fz)


def test_agrees_with_the_conversion_of_real_colors() -> None:
    levels = np.linspace(0, 1, 18)
    rgb_N3 = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    yuv_N3 = rgb_to_yuv(rgb_N3)
    found_N2 = unclipped_ab(yuv_N3[:, 0], yuv_N3[:, 1:], "yuv")
    np.testing.assert_allclose(found_N2, rgb_to_lab(rgb_N3)[:, 1:], atol=1e-6)
    single_N2 = unclipped_ab(
        *(part.astype(np.float32) for part in (yuv_N3[:, 0], yuv_N3[:, 1:])), "yuv"
    )
    assert single_N2.dtype == np.float32
    np.testing.assert_allclose(single_N2, rgb_to_lab(rgb_N3)[:, 1:], atol=2e-3)


@given(st.floats(0, 1), st.floats(-0.6, 0.6), st.floats(-0.8, 0.8))
def test_goes_on_beyond_the_gamut(lightness: float, u: float, v: float) -> None:
    found_2 = unclipped_ab(np.array(lightness), np.array([u, v]), "yuv")
    # 1e-4: the published 0.04045 and 0.008856 leave steps in the curves; the last bit decides.
    assert found_2.tolist() == pytest.approx(slow_ab(lightness, u, v), rel=1e-9, abs=1e-4)


def test_a_color_outside_the_gamut_is_not_pulled_to_its_edge() -> None:
    """Brighter and brighter blue at Y = 0.5 leaves the gamut, and its ab goes on moving."""
    chroma_N2 = np.column_stack([np.linspace(0, 0.6, 20), np.zeros(20)])
    ab_N2 = unclipped_ab(np.full(20, 0.5), chroma_N2, "yuv")
    steps_N = np.linalg.norm(np.diff(ab_N2, axis=0), axis=1)
    assert steps_N.min() > 1


def test_lab_is_left_alone() -> None:
    ab_N2 = np.array([[200.0, -150.0]])
    assert unclipped_ab(np.array([50.0]), ab_N2, "lab") is ab_N2


def test_unknown_space() -> None:
    with pytest.raises(HuescapeError, match="allowed are lab, yuv"):
        unclipped_ab(np.zeros(1), np.zeros((1, 2)), "hsv")
