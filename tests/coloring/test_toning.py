"""The tone of a print is read off its grays, and can be kept."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.color.spaces import rgb_to_lab, space
from huescape.coloring.painting import colorize, paint
from huescape.coloring.prediction import predict
from huescape.coloring.toning import toning_of
from huescape.landscapes.render import render_scene
from tests.coloring.systems import make_system

SPACES = ["lab", "yuv"]


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    rgb = render_scene("b/beach", np.random.default_rng(3), 120, 90)
    return np.rint(rgb.mean(axis=2)).astype(np.uint8)


@pytest.fixture(scope="module")
def sepia(gray: np.ndarray) -> np.ndarray:
    """White paper, brown shadows."""
    share = gray[..., None] / 255
    return np.rint(255 * share ** np.array([0.8, 1.0, 1.25])).astype(np.uint8)


@pytest.mark.parametrize("name", SPACES)
def test_the_tone_of_each_lightness_is_found(name: str, sepia: np.ndarray) -> None:
    values_N3 = np.asarray(space(name).from_rgb(sepia)).reshape(-1, 3)
    top = space(name).lightness_range[1]
    found_N2 = toning_of(sepia, space(name)).at(values_N3[None, :, 0] / top)[0]
    assert np.abs(found_N2 - values_N3[:, 1:]).max() < 0.02 * top
    assert np.hypot(*found_N2.T).mean() > 0.05 * top


def test_gray_has_none(gray: np.ndarray) -> None:
    toning = toning_of(np.repeat(gray[..., None], 3, axis=2), space("lab"))
    assert np.abs(toning.at(np.linspace(0, 1, 300)[None])).max() < 0.02


def test_specks_have_no_say(gray: np.ndarray) -> None:
    rgb = np.repeat(np.clip(gray, 60, 180)[..., None], 3, axis=2)
    rgb[0, :3] = (255, 255, 0)
    assert np.abs(toning_of(rgb, space("lab")).at(np.ones((1, 1)))).max() < 0.02


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_without_other_color_a_print_is_itself_again(
    name: str, dtype: type, sepia: np.ndarray
) -> None:
    photo = sepia.astype(dtype) * (np.iinfo(dtype).max // 255)
    found = colorize(make_system(name), photo, size=48, strength=0.0, keep_toning=True)
    assert found.dtype == dtype
    off = np.abs(found.astype(float) - photo) / np.iinfo(dtype).max
    assert off.max() < 0.02
    assert off.mean() < 0.003
    plain = colorize(make_system(name), photo, size=48, strength=0.0)
    assert np.abs(plain.astype(float) - photo).mean() / np.iinfo(dtype).max > 0.03


def test_the_tone_is_added_to_the_prediction(sepia: np.ndarray) -> None:
    system = make_system("lab")
    prediction = predict(system, sepia, 48)
    colored, toned = (
        rgb_to_lab(paint(prediction, sepia, keep_toning=keep))[..., 1:] for keep in (False, True)
    )
    tone = rgb_to_lab(sepia)[..., 1:]
    assert np.abs(toned - colored - tone).mean() < 0.5
    assert np.abs(tone).mean() > 3


def test_a_gray_photo_stays_as_colored_as_it_was(gray: np.ndarray) -> None:
    system = make_system("lab")
    plain = colorize(system, gray, size=48).astype(int)
    assert np.abs(colorize(system, gray, size=48, keep_toning=True) - plain).max() <= 1
