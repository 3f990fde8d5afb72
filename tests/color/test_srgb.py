"""The sRGB curve against the standard's formula, and the borders between its levels."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.color.srgb import gamma_encode, level_borders, linear_light


def slow_encode(linear: float) -> float:
    return 1.055 * linear ** (1 / 2.4) - 0.055 if linear > 0.0031308 else 12.92 * linear


def test_encodes_as_the_standard_says() -> None:
    linear = np.linspace(0, 1, 1001)
    expected = [slow_encode(value) for value in linear]
    assert gamma_encode(linear).tolist() == pytest.approx(expected, abs=1e-14)
    assert gamma_encode(np.array([-3.0, 7.0])).tolist() == pytest.approx([0, 1], abs=1e-15)
    assert gamma_encode(linear.astype(np.float32)).dtype == np.float32


def test_linear_light_is_the_inverse() -> None:
    encoded = np.linspace(0, 1, 10_001)
    # 1e-6: the published thresholds leave a small step.
    assert np.abs(gamma_encode(linear_light(encoded)) - encoded).max() < 1e-6


@pytest.mark.parametrize("cells", [3295, 4096, 10_000])
def test_borders_find_the_level(cells: int) -> None:
    lowest_C, border_K = level_borders(cells)
    edges = border_K[:-1]
    linear = np.concatenate(
        [np.linspace(0, 1, 100_001), edges * (1 - 1e-12), edges * (1 + 1e-12), lowest_C / 255]
    )
    lowest = lowest_C[(linear * cells).astype(int)]
    found = lowest + (linear >= border_K[lowest])
    assert np.array_equal(found, np.rint(gamma_encode(linear) * 255))
