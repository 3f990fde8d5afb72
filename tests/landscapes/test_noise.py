"""Lookups and curves against slow references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from huescape.landscapes.noise import TILE, line, normalized, resize, sample, smoothstep


def _tile(seed: int, channels: int = 0) -> np.ndarray:
    shape = (channels, TILE, TILE) if channels else (TILE, TILE)
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def _slow(tile: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """SciPy's periodic linear interpolation in float64."""
    coordinates = np.stack(np.broadcast_arrays(v * TILE, u * TILE)).astype(np.float64)
    return map_coordinates(tile.astype(np.float64), coordinates, order=1, mode="grid-wrap")


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3), st.floats(0.1, 4))
@settings(max_examples=25, deadline=None)
def test_sample_agrees_with_scipy(seed: int, offset: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    u = (rng.random((9, 11)) * scale + offset).astype(np.float32)
    v = (rng.random((9, 11)) * scale - offset).astype(np.float32)
    np.testing.assert_allclose(sample(_tile(1), u, v), _slow(_tile(1), u, v), atol=2e-3)


def test_level_lookup_is_the_general_one() -> None:
    u = np.linspace(-1, 2, 50, dtype=np.float32)[None, :]
    v = np.linspace(0.3, 1.9, 40, dtype=np.float32)[:, None]
    full_u, full_v = (np.ascontiguousarray(a) for a in np.broadcast_arrays(u, v))
    np.testing.assert_allclose(sample(_tile(2), u, v), sample(_tile(2), full_u, full_v), atol=1e-6)


def test_channels_are_looked_up_one_by_one() -> None:
    tile = _tile(3, channels=2)
    u, v = np.random.default_rng(0).random((2, 5, 6), dtype=np.float32)
    both = sample(tile, u, v)
    assert both.shape == (2, 5, 6)
    np.testing.assert_array_equal(both[1], sample(tile[1], u, v))


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.8), (0.8, 0.2)])
def test_smoothstep_runs_between_its_bounds(low: float, high: float) -> None:
    x = np.array([low - (high - low), low, (low + high) / 2, high, high + (high - low)])
    np.testing.assert_allclose(smoothstep(low, high, x), [0, 0, 0.5, 1, 1], atol=1e-6)


def test_normalized_has_zero_mean_and_unit_deviation() -> None:
    field = normalized(_tile(4) * 7 + 3)
    assert abs(field.mean()) < 1e-5
    assert field.std() == pytest.approx(1, abs=1e-4)
    assert np.isfinite(normalized(np.full((4, 4), 2, dtype=np.float32))).all()


@pytest.mark.parametrize("width", [2, 3, 17, 320])
def test_line_has_the_width_asked_for(width: int) -> None:
    drawn = line(np.random.default_rng(0), width)
    assert drawn.shape == (width,)
    assert np.abs(drawn).max() < 3


def test_resize_keeps_a_constant() -> None:
    grown = resize(np.full((3, 5), 0.25, dtype=np.float32), 40, 20)
    assert grown.shape == (20, 40)
    np.testing.assert_allclose(grown, 0.25, atol=1e-6)
