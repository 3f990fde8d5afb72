"""Prints in one tone have no colors of their own, however strong the tone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from huescape.color.spaces import rgb_to_lab
from huescape.landscapes.render import render_scene
from huescape.photos.toning import ONE_TONE, own_chroma


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(render_scene("b/beach", np.random.default_rng(3), 120, 90))


def lab(image: Image.Image) -> np.ndarray:
    return rgb_to_lab(np.asarray(image.convert("RGB")))


def test_gray_has_none(photo: Image.Image) -> None:
    assert own_chroma(lab(photo.convert("L"))) < 0.01


def test_a_tone_is_none(photo: Image.Image) -> None:
    levels = np.asarray(photo.convert("L"))[..., None]
    sepia = (levels * (1.0, 0.8, 0.6)).astype(np.uint8)
    sepia_lab = rgb_to_lab(sepia)
    assert np.hypot(*np.moveaxis(sepia_lab[..., 1:], -1, 0)).mean() > 10
    assert own_chroma(sepia_lab) < ONE_TONE


def test_colors_are_measured_pixel_by_pixel(photo: Image.Image) -> None:
    found = lab(photo)
    assert own_chroma(found) > 2 * ONE_TONE
    level_HW = np.minimum(found[..., 0] // (100 / 16), 15)
    away = []
    for level in range(16):
        ab_N2 = found[..., 1:][level_HW == level].astype(float)
        away += [*np.linalg.norm(ab_N2 - ab_N2.mean(axis=0), axis=1)] if len(ab_N2) else []
    assert own_chroma(found) == pytest.approx(np.mean(away), rel=1e-4)
