"""The frames of prints are found to the pixel, and no sky or foreground is taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.coloring.borders import WHOLE, Frame, find_frame
from huescape.coloring.painting import colorize, paint
from huescape.coloring.prediction import predict
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.systems.system import System
from tests.coloring.systems import make_system


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return render_scene("m/mountain", np.random.default_rng(4), 160, 120)


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("lab")


def framed(
    rgb: np.ndarray, sides: tuple[int, int, int, int], level: int, grain: float = 0.0
) -> np.ndarray:
    """With a border at the top, bottom, left and right."""
    top, bottom, left, right = sides
    shape = (rgb.shape[0] + top + bottom, rgb.shape[1] + left + right, 1)
    noise = np.random.default_rng(1).normal(0, grain, shape)
    paper = np.clip(level + noise, 0, 255).astype(np.uint8).repeat(3, axis=2)
    paper[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return paper


def pixels(photo: np.ndarray) -> tuple[int, int, int, int]:
    """How deep the borders at the top, bottom, left and right are."""
    rows, columns = find_frame(photo).within(photo.shape[:2])
    height, width = photo.shape[:2]
    return rows.start, height - rows.stop, columns.start, width - columns.stop


@pytest.mark.parametrize(
    ("sides", "level", "grain"),
    [
        ((12, 12, 9, 9), 244, 0),  # a mat
        ((5, 20, 7, 11), 3, 0),  # a rebate
        ((10, 10, 10, 10), 225, 2.5),  # paper
        ((15, 15, 0, 0), 8, 0),
        ((0, 0, 30, 28), 250, 0),
        ((0, 14, 10, 10), 235, 1),  # three sides
    ],
)
def test_borders_are_found_to_the_pixel(
    scene: np.ndarray, sides: tuple[int, int, int, int], level: int, grain: float
) -> None:
    assert pixels(framed(scene, sides, level, grain)) == sides


def test_a_rebate_in_a_mat(scene: np.ndarray) -> None:
    photo = framed(framed(scene, (3, 3, 4, 4), 10), (12, 12, 12, 12), 240)
    assert pixels(photo) == (15, 15, 16, 16)


def test_levels_of_16_bits_and_gray(scene: np.ndarray) -> None:
    photo = framed(scene, (12, 12, 9, 9), 244, 1)
    assert pixels(photo.astype(np.uint16) * 257) == (12, 12, 9, 9)
    gray = np.broadcast_to(photo.mean(axis=2).astype(np.uint8)[..., None], photo.shape)
    assert pixels(gray) == (12, 12, 9, 9)


def test_dust_and_a_scratch_do_not_end_a_border(scene: np.ndarray) -> None:
    photo = framed(scene, (12, 12, 9, 9), 244)
    photo[5, 30:34] = 60
    photo[:, 100:102] = 120
    assert pixels(photo) == (12, 12, 9, 9)


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_scene_has_none(category: str) -> None:
    for seed in range(5):
        rgb = render_scene(category, np.random.default_rng(seed), 96, 72)
        assert find_frame(rgb) == WHOLE


def test_a_white_sky_above_a_straight_horizon_is_none(scene: np.ndarray) -> None:
    assert find_frame(framed(scene, (40, 0, 0, 0), 255)) == WHOLE


def test_a_black_foreground_is_none(scene: np.ndarray) -> None:
    assert find_frame(framed(scene, (0, 30, 0, 0), 0)) == WHOLE


def test_a_light_sky_and_a_dark_foreground_are_none(scene: np.ndarray) -> None:
    assert find_frame(framed(framed(scene, (0, 20, 0, 0), 5), (20, 0, 0, 0), 250)) == WHOLE


def test_a_skyline_does_not_end_a_border() -> None:
    """White above and below a ridge: the level of the sky ends at another row in every column."""
    photo = np.full((100, 120, 3), 250, np.uint8)
    for x in range(120):
        photo[20 + x // 3 : 80 - x // 3, x] = 90
    assert find_frame(photo) == WHOLE


@pytest.mark.parametrize("shape", [(1, 1), (15, 200), (64, 64)])
def test_a_picture_of_one_level_has_none(shape: tuple[int, int]) -> None:
    assert find_frame(np.full((*shape, 3), 200, np.uint8)) == WHOLE


def test_a_frame_leaves_a_pixel_of_any_picture() -> None:
    assert Frame(0.3, 0.35, 0.9, 1.0).within((1, 3)) == (slice(0, 1), slice(2, 3))


def test_a_border_gets_no_color_and_the_picture_its_own(system: System, scene: np.ndarray) -> None:
    photo = framed(scene, (12, 14, 9, 8), 230, 2)
    rows, columns = slice(12, 132), slice(9, 169)
    found = colorize(system, photo, size=64, edges=True, as_print=True)
    alone = colorize(system, scene, size=64, edges=True)
    assert (found[rows, columns] == alone).all()
    assert np.ptp(alone.astype(int), axis=2).max() > 3
    outside = np.ones(photo.shape[:2], bool)
    outside[rows, columns] = False
    assert (found[outside] == photo[outside]).all()
    assert np.ptp(colorize(system, photo, size=64)[outside].astype(int), axis=1).max() > 3


def test_strips_do_not_move_a_frame(
    system: System, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = framed(scene, (12, 14, 9, 8), 230)
    prediction = predict(system, photo, 64, as_print=True)
    whole = paint(prediction, photo, edges=True)
    monkeypatch.setattr("huescape.coloring.strips.PIXELS", photo.shape[1] * 5)
    assert (paint(prediction, photo, edges=True) == whole).all()
