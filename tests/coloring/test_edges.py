"""Colors that end where the lightness does: the guided filter, by itself and on photos."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.coloring.edges import linear_fit
from huescape.coloring.painting import Field, colorize, field_of, paint
from huescape.coloring.prediction import predict
from huescape.params.decodings import ANNEALED
from huescape.systems.system import System
from tests.coloring.systems import make_system, picture

RADIUS, EPS = 2, 1e-3


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("lab")


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).random(shape)


def slow_fit(guide_hw: np.ndarray, chroma_hw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """He et al. 2013: eq. 5 and 6 in every window, and the means of eq. 8; pixel by pixel."""
    height, width = guide_hw.shape

    def window(y: int, x: int) -> tuple[slice, slice]:
        return (
            slice(max(y - RADIUS, 0), min(y + RADIUS + 1, height)),
            slice(max(x - RADIUS, 0), min(x + RADIUS + 1, width)),
        )

    slope_hw, offset_hw = np.empty_like(guide_hw), np.empty_like(guide_hw)
    for y in range(height):
        for x in range(width):
            guide_N, chroma_N = guide_hw[window(y, x)].ravel(), chroma_hw[window(y, x)].ravel()
            together = np.mean((guide_N - guide_N.mean()) * (chroma_N - chroma_N.mean()))
            slope_hw[y, x] = together / (guide_N.var() + EPS)
            offset_hw[y, x] = chroma_N.mean() - slope_hw[y, x] * guide_N.mean()
    of_all = [(y, x) for y in range(height) for x in range(width)]
    slopes, offsets = (
        np.array([plane_hw[window(*place)].mean() for place in of_all]).reshape(height, width)
        for plane_hw in (slope_hw, offset_hw)
    )
    return slopes, offsets


@pytest.mark.parametrize("shape", [(13, 9), (1, 7), (6, 1), (1, 1)])
def test_agrees_with_plain_loops(shape: tuple[int, int]) -> None:
    guide_hw, chroma_2hw = noise(*shape), 80 * noise(2, *shape) - 40
    slopes_2hw, offsets_2hw = linear_fit(guide_hw, chroma_2hw, RADIUS, EPS)
    for channel in range(2):
        slope_hw, offset_hw = slow_fit(guide_hw, chroma_2hw[channel])
        assert slopes_2hw[channel] == pytest.approx(slope_hw, abs=1e-4)
        assert offsets_2hw[channel] == pytest.approx(offset_hw, abs=1e-4)


def test_one_color_stays_it() -> None:
    chroma_2hw = np.broadcast_to(np.array([12.5, -30.0])[:, None, None], (2, 20, 30))
    slopes_2hw, offsets_2hw = linear_fit(noise(20, 30), chroma_2hw)
    assert np.abs(slopes_2hw).max() < 1e-5
    assert offsets_2hw == pytest.approx(np.asarray(chroma_2hw, np.float32), abs=1e-5)


def test_a_color_that_follows_the_lightness_is_found_exactly() -> None:
    guide_hw = noise(20, 30)
    chroma_2hw = np.stack([3 + 40 * guide_hw, 7 - 25 * guide_hw])
    slopes_2hw, offsets_2hw = linear_fit(guide_hw, chroma_2hw, eps=0)
    assert slopes_2hw[0] == pytest.approx(np.full((20, 30), 40), abs=1e-4)
    assert slopes_2hw[1] == pytest.approx(np.full((20, 30), -25), abs=1e-4)
    assert slopes_2hw * guide_hw + offsets_2hw == pytest.approx(chroma_2hw, abs=1e-4)


def test_a_flat_picture_gets_means_and_no_slopes() -> None:
    slopes_2hw, offsets_2hw = linear_fit(np.full((9, 9), 0.3), noise(2, 9, 9), radius=30)
    assert np.abs(slopes_2hw).max() < 1e-6
    assert np.ptp(offsets_2hw[0]) < 1e-6


def test_a_color_ends_at_the_photos_own_ridge() -> None:
    """What is blurred over 8 pixels of 64, the sky's blue into a brown hill, is sharp at 512."""
    edge, seen, full = 264, (64, 64), (512, 512)
    lightness_HW = np.full(full, 0.8)
    lightness_HW[edge:] = 0.25
    ridge_SW = lightness_HW[edge - 1 : edge + 1]
    seen_hw = lightness_HW.reshape(64, 8, 64, 8).mean(axis=(1, 3))
    share_h = np.clip((np.arange(64) - 29) / 8, 0, 1)
    blurred_2hw = np.broadcast_to(
        np.stack([20 * share_h, 50 * share_h - 30])[..., None], (2, *seen)
    )
    slopes_2hw, offsets_2hw = linear_fit(seen_hw, blurred_2hw)
    plain = Field(np.asarray(blurred_2hw, np.float32), None, 1, seen)
    jump_2, sharp_2 = (
        np.abs(np.diff(field.at(full, slice(edge - 1, edge + 1), ridge_SW)[:, 256], axis=0))[0]
        for field in (plain, Field(offsets_2hw, slopes_2hw, 1, seen))
    )
    assert jump_2.max() < 1
    assert (sharp_2 > 10 * jump_2).all()
    assert (sharp_2 > [8, 20]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_leave_no_seams(
    system: System, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = picture(90, 70).astype(dtype) * np.iinfo(dtype).max // 255
    whole = colorize(system, photo, size=48, edges=True)
    monkeypatch.setattr("huescape.coloring.strips.PIXELS", 70 * 7)
    assert (colorize(system, photo, size=48, edges=True) == whole).all()


@pytest.mark.parametrize("space", ["lab", "yuv"])
def test_edges_keep_the_lightness(space: str) -> None:
    rgb_HW3 = picture(150, 200)
    found_HW3 = colorize(make_system(space), rgb_HW3, size=64, edges=True)
    assert (found_HW3 != colorize(make_system(space), rgb_HW3, size=64, edges=False)).any()
    change_HW = found_HW3 @ [0.299, 0.587, 0.114] - rgb_HW3 @ [0.299, 0.587, 0.114]
    assert np.abs(change_HW).max() < 3


def test_strength_multiplies_the_chroma(system: System) -> None:
    prediction = predict(system, picture(60, 80))
    one, double = (field_of(prediction, ANNEALED, strength=x, edges=True) for x in (1.0, 2.0))
    assert double.points_2hw == pytest.approx(2 * one.points_2hw, abs=1e-4)
    assert one.slopes_2hw is not None
    assert double.slopes_2hw == pytest.approx(2 * one.slopes_2hw, abs=1e-4)
    gray_HW3 = paint(prediction, picture(60, 80), strength=0.0, edges=True).astype(int)
    assert np.ptp(gray_HW3, axis=-1).max() <= 1
