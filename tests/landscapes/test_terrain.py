"""Ray casting against a loop over every pixel; lighting at known angles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.landscapes.light import choose_light
from huescape.landscapes.terrain import cast_rays, fade, make_grid, slopes, sunlight
from huescape.landscapes.view import Camera


def _first_seen(camera: Camera, z: np.ndarray, height: np.ndarray, y: int, eye: float) -> int:
    """The nearest depth whose ground covers row y, or the number of depths for sky."""
    for depth, ground in enumerate(height):
        if np.ceil(camera.horizon + camera.focal * (eye - ground) / z[depth]) <= y:
            return depth
    return len(height)


@given(st.integers(0, 2**32 - 1), st.floats(-20, 70), st.floats(0.2, 4))
@settings(max_examples=20, deadline=None)
def test_cast_finds_the_first_depth_that_covers_a_pixel(
    seed: int, horizon: float, relief: float
) -> None:
    camera = Camera(13, 40, horizon, 35.0)
    grid = make_grid(camera, 1.0, 60.0, 30)
    height = np.random.default_rng(seed).random((30, 13), dtype=np.float32) * np.float32(relief)
    hit = cast_rays(camera, grid, height, 1.5)
    z = grid.z_D1[:, 0]
    # The same float32 arithmetic, pixel by pixel.
    for x in range(13):
        for y in range(40):
            seen = _first_seen(camera, z, height[:, x], y, 1.5)
            assert bool(hit.land_HW[y, x]) == (seen < 30)
            if seen < 30:
                assert hit.index_HW[y, x] == seen
    assert (hit.part_HW >= 0).all()
    assert (hit.part_HW <= 1).all()


def test_flat_ground_is_seen_at_its_true_distance() -> None:
    camera = Camera(8, 100, 40.0, 80.0)
    grid = make_grid(camera, 1.0, 100.0, 200)
    flat = np.zeros((200, 8), dtype=np.float32)
    hit = cast_rays(camera, grid, flat, 1.0)
    depth = hit.pick(np.broadcast_to(grid.z_D1, flat.shape))
    assert not hit.land_HW[:40].any()
    rows = np.arange(45, 100)
    np.testing.assert_allclose(depth[45:, 3], 80.0 / (rows - 40), rtol=0.04)


def test_slopes_of_a_plane() -> None:
    camera = Camera(16, 16, 8.0, 12.0)
    grid = make_grid(camera, 1.0, 20.0, 40)
    along_x, along_z = slopes(grid, 0.3 * grid.x_DW + 0.5)
    np.testing.assert_allclose(along_x, 0.3, atol=1e-4)
    _, along_z = slopes(grid, 0.2 * grid.z_D1 + 0 * grid.x_DW)
    np.testing.assert_allclose(along_z, 0.2, atol=1e-4)


def test_sunlight_is_the_cosine_of_the_angle() -> None:
    light = replace(
        choose_light(np.random.default_rng(0), "noon"), elevation=np.pi / 4, azimuth=0.0
    )
    level, toward, away = (np.array([slope], dtype=np.float32) for slope in (0.0, -1.0, 1.5))
    none = np.zeros(1, dtype=np.float32)
    assert sunlight(light, none, level)[0] == pytest.approx(np.sqrt(0.5), abs=1e-5)
    assert sunlight(light, none, toward)[0] == pytest.approx(1, abs=1e-5)
    assert sunlight(light, none, away)[0] == 0


def test_distance_fades_to_the_haze() -> None:
    light = choose_light(np.random.default_rng(0), "noon")
    color = np.zeros((3, 1, 3), dtype=np.float32)
    haze = np.ones((3, 1, 1), dtype=np.float32)
    seen = fade(light, haze, color, np.array([[0, 50, 1e6]], dtype=np.float32), 100.0)
    assert seen[0, 0, 0] == 0
    assert 0 < seen[0, 0, 1] < 1
    assert seen[0, 0, 2] == pytest.approx(1)
