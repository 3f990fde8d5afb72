"""Hints: a region takes a person's color, and the rest stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from huescape.base.errors import ParamsError
from huescape.coloring.hints import hinted_field
from huescape.coloring.painting import Field, field_of, paint, paint_field, unit
from huescape.coloring.prediction import Prediction, predict
from huescape.coloring.strokes import Hint
from huescape.params.decodings import Decoding
from huescape.systems.system import System, load_system
from tests.coloring.systems import make_system
from tests.coloring.test_export import write

ORANGE = (230, 140, 60)
MEDIAN = Decoding(method="median")
HEIGHT, WIDTH, HORIZON = 48, 64, 24


def landscape(scale: int = 1) -> np.ndarray:
    """A bright sky that pales to the right, above dark land with grain: gray, (H, W)."""
    x_W = (np.arange(WIDTH * scale) + 0.5) / scale
    y_H = (np.arange(HEIGHT * scale) + 0.5) / scale
    grain = 4 * np.sin(x_W / 1.5)[None] * np.sin(y_H / 2.5)[:, None]
    gray = np.where(y_H[:, None] < HORIZON, 170 + 0.5 * x_W, 70 + grain)
    return np.rint(gray).astype(np.uint8)


@pytest.fixture(scope="module", params=["lab", "yuv"])
def system(request: pytest.FixtureRequest) -> System:
    return make_system(request.param)


def seen(field: Field, prediction: Prediction) -> np.ndarray:
    """Chroma (h, w, 2) of the pixels that the network saw."""
    lightness_hw = unit(prediction.lightness_hw, prediction.system.space)
    return field.at(field.source, slice(0, field.source[0]), lightness_hw)


def chroma_of(system: System, color: tuple[int, int, int]) -> np.ndarray:
    return system.space.from_rgb(np.array([[color]], np.uint8))[0, 0, 1:]


@pytest.mark.parametrize("decoding", [MEDIAN, Decoding(), Decoding(method="diffuse", tau=0.2)])
def test_a_hint_turns_the_sky_and_not_the_land(system: System, decoding: Decoding) -> None:
    photo = landscape()
    prediction = predict(system, photo)
    plain_hw2 = seen(field_of(prediction, decoding, edges=False), prediction)
    field = hinted_field(prediction, decoding, [Hint(10, 5, ORANGE)], photo.shape, edges=False)
    found_hw2, goal_2 = seen(field, prediction), chroma_of(system, ORANGE)
    reach = np.linalg.norm(goal_2 - plain_hw2[:HORIZON].mean((0, 1)))
    assert np.allclose(found_hw2[5, 10], goal_2, atol=1e-4 * system.space.chroma_scale)
    away_hw = np.linalg.norm(found_hw2[: HORIZON - 1] - goal_2, axis=-1)
    assert away_hw.max() < 0.05 * reach
    assert (found_hw2[HORIZON + 2 :] == plain_hw2[HORIZON + 2 :]).all()


def test_a_hint_on_the_land_leaves_the_sky(system: System) -> None:
    photo = landscape()
    prediction = predict(system, photo)
    plain_hw2 = seen(field_of(prediction, MEDIAN, edges=False), prediction)
    found_hw2 = seen(
        hinted_field(prediction, MEDIAN, [Hint(30, 40, ORANGE)], photo.shape, edges=False),
        prediction,
    )
    assert np.allclose(found_hw2[40, 30], chroma_of(system, ORANGE), atol=1e-3)
    assert (found_hw2[: HORIZON - 2] == plain_hw2[: HORIZON - 2]).all()


def test_a_large_photo_has_the_same_colors_with_its_own_edges(system: System) -> None:
    """Seen at a quarter of its size, it has no fringe of more than two pixels at the horizon."""
    scale = 4
    photo = landscape(scale)
    prediction = predict(system, photo, WIDTH)
    assert prediction.lightness_hw.shape == (HEIGHT, WIDTH)
    field = hinted_field(prediction, MEDIAN, [Hint(41, 21, ORANGE)], photo.shape, edges=False)
    lightness_HW = unit(
        system.space.from_rgb(np.repeat(photo[..., None], 3, axis=2))[..., 0], system.space
    )
    found_HW2 = field.at(photo.shape, slice(0, photo.shape[0]), lightness_HW)
    plain_HW2 = field_of(prediction, MEDIAN, edges=False).at(
        photo.shape, slice(0, photo.shape[0]), lightness_HW
    )
    goal_2, horizon = chroma_of(system, ORANGE), scale * HORIZON
    reach = np.linalg.norm(goal_2 - plain_HW2[:horizon].mean((0, 1)))
    sky_HW = np.linalg.norm(found_HW2[: horizon - 3] - goal_2, axis=-1)
    land_HW = np.linalg.norm((found_HW2 - plain_HW2)[horizon + 3 :], axis=-1)
    assert sky_HW.max() < 0.25 * reach
    assert sky_HW.mean() < 0.05 * reach
    assert land_HW.max() < 0.25 * reach
    assert land_HW[-40:].max() < 1e-5 * reach  # sums that roll over a picture leave the last digit


def test_a_photo_of_16_bits_is_painted_and_keeps_its_lightness(system: System) -> None:
    photo = landscape().astype(np.uint16) * 257
    prediction = predict(system, photo)
    field = hinted_field(
        prediction, MEDIAN, [Hint(10, 5, (120, 130, 110))], photo.shape, edges=False
    )
    rgb_HW3 = np.repeat(photo[..., None], 3, axis=2)
    found_HW3 = paint_field(system.space, field, rgb_HW3)
    assert found_HW3.dtype == np.uint16
    light = [
        system.space.from_rgb(x.astype(np.float32) / 65535)[..., 0] for x in (rgb_HW3, found_HW3)
    ]
    low, high = system.space.lightness_range
    assert np.abs(light[0] - light[1]).max() < 0.01 * (high - low)


def test_between_two_hints_each_has_its_own_side(system: System) -> None:
    photo = np.full((HEIGHT, WIDTH), 128, np.uint8)
    prediction = predict(system, photo)
    hints = [Hint(4, 24, ORANGE), Hint(59, 24, (70, 120, 230))]
    found_hw2 = seen(hinted_field(prediction, MEDIAN, hints, photo.shape, edges=False), prediction)
    goals = [chroma_of(system, hint.color) for hint in hints]
    away_k = [np.linalg.norm(found_hw2[24] - goal, axis=-1) for goal in goals]
    assert (away_k[0] < away_k[1])[:28].all()
    assert (away_k[1] < away_k[0])[36:].all()


def test_hints_on_one_pixel_are_averaged(system: System) -> None:
    photo = landscape(4)
    prediction = predict(system, photo, WIDTH)
    hints = [Hint(40, 20, (200, 100, 100)), Hint(43, 23, (100, 200, 100))]
    found_hw2 = seen(hinted_field(prediction, MEDIAN, hints, photo.shape, edges=False), prediction)
    mean_2 = np.mean([chroma_of(system, hint.color) for hint in hints], axis=0)
    assert np.allclose(found_hw2[5, 10], mean_2, atol=1e-4 * system.space.chroma_scale)


def test_without_a_hint_nothing_changes(system: System) -> None:
    photo = landscape()
    prediction = predict(system, photo)
    field = hinted_field(prediction, MEDIAN, [], photo.shape, edges=False)
    found_HW3 = paint_field(system.space, field, np.repeat(photo[..., None], 3, axis=2))
    assert (found_HW3 == paint(prediction, photo, MEDIAN)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2)])
def test_the_smallest_pictures(system: System, shape: tuple[int, int]) -> None:
    prediction = predict(system, np.full(shape, 100, np.uint8))
    hint = Hint(shape[1] - 1, shape[0] - 1, ORANGE)
    found_hw2 = seen(hinted_field(prediction, MEDIAN, [hint], shape, edges=False), prediction)
    goal_2 = chroma_of(system, ORANGE)
    assert np.allclose(found_hw2[-1, -1], goal_2, atol=1e-4 * system.space.chroma_scale)


def test_a_strength_is_of_the_network_alone(system: System) -> None:
    photo = landscape()
    prediction = predict(system, photo)
    field = hinted_field(
        prediction, MEDIAN, [Hint(10, 5, ORANGE)], photo.shape, strength=0.0, edges=False
    )
    found_hw2 = seen(field, prediction)
    assert (found_hw2[HORIZON + 2 :] == 0).all()
    assert np.allclose(found_hw2[5, 10], chroma_of(system, ORANGE), atol=1e-3)


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (WIDTH, 0), (0, HEIGHT), (10**9, 3)])
def test_a_hint_outside_the_photo_is_refused(system: System, place: tuple[int, int]) -> None:
    prediction = predict(system, landscape())
    with pytest.raises(ParamsError) as caught:
        hinted_field(prediction, MEDIAN, [Hint(*place, ORANGE)], (HEIGHT, WIDTH), edges=False)
    assert "lies outside the photo of 64 x 48 pixels; allowed: x from 0 to 63" in str(caught.value)


def test_a_regression_takes_hints_too(tmp_path: Path) -> None:
    """It has no distributions, and so nothing to be confident of: its colors are seeds as well."""
    system = load_system(write(tmp_path, "zhang2016_l2", "lab_chroma4", "lab"))
    photo = landscape()
    prediction = predict(system, photo)
    diffused = Decoding(method="diffuse")  # which says nothing to a regression
    plain_hw2 = seen(field_of(prediction, diffused, edges=False), prediction)
    field = hinted_field(prediction, diffused, [Hint(10, 5, ORANGE)], photo.shape, edges=False)
    found_hw2 = seen(field, prediction)
    assert np.allclose(found_hw2[5, 10], chroma_of(system, ORANGE), atol=1e-2)
    assert (found_hw2[HORIZON + 2 :] == plain_hw2[HORIZON + 2 :]).all()
