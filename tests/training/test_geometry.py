"""What is shown of a photo lies on the photo, whatever its box, and so do its targets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.boxes import Box
from huescape.training.geometry import Geometry, Place, View, view

SIZE = 64


@st.composite
def places(draw: Callable[..., int]) -> tuple[Geometry, Box, Place]:
    """Five photos of any box, and any windows of them that show no padding."""
    stride = draw(st.sampled_from([1, 2, 4]))
    window = draw(st.integers(1, 8)) * stride
    fit = draw(st.sampled_from(["inside", "stretch"]))
    side = draw(st.one_of(st.none(), st.integers(window, SIZE)))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    height, width = rng.integers(1, SIZE, size=(2, 5), endpoint=True)
    box = Box(
        rng.integers(0, SIZE - height, endpoint=True),
        rng.integers(0, SIZE - width, endpoint=True),
        *(height, width),
    )
    place = Place(*rng.random((2, 5)), *rng.integers(2, size=(2, 5)).astype(bool))
    return Geometry(SIZE, window, stride, fit, side), box, place


def extent(pixels_NW: np.ndarray) -> np.ndarray:
    return pixels_NW.max(axis=1) - pixels_NW.min(axis=1)


@settings(max_examples=200, deadline=None)
@given(case=places())
def test_windows_lie_on_the_photo(case: tuple[Geometry, Box, Place]) -> None:
    geometry, box, place = case
    seen = view(geometry, box, place)
    for axis, first, length in (
        (seen.rows, box.top, box.height),
        (seen.columns, box.left, box.width),
    ):
        assert axis.pixels_NW.shape == (5, geometry.window)
        assert (axis.pixels_NW >= first[:, None]).all()
        assert (axis.pixels_NW <= (first + length - 1)[:, None]).all()
        stored = np.arange(geometry.stride // 2, SIZE, geometry.stride)
        for n in range(5):
            on_photo = stored[(stored >= first[n]) & (stored < first[n] + length[n])]
            if len(on_photo):
                assert np.isin(axis.points_Nw[n], on_photo).all()


@settings(max_examples=200, deadline=None)
@given(case=places())
def test_windows_show_neighbors_or_what_lies_between(case: tuple[Geometry, Box, Place]) -> None:
    geometry, box, place = case
    seen = view(geometry, box, place)
    steps = np.abs(np.diff(seen.rows.pixels_NW, axis=1))
    exact = steps[seen.exact_N]
    assert np.isin(exact, [0, 1]).all()
    assert ((exact == 0).sum(axis=1) <= 1).all()  # a mirrored window may repeat the last pixel
    if geometry.fit == "inside":  # scaled up alone, and both axes alike but for rounding
        short = np.minimum(box.height, box.width)
        scale = short / np.maximum(short, geometry.side or geometry.window)
        rows = box.height / np.rint(box.height / scale)
        assert (steps <= np.minimum(1, rows)[:, None] + 1e-9).all()


def test_a_photo_that_is_just_large_enough_is_shown_pixel_by_pixel() -> None:
    """Of 256 x 171 photos, a crop of 168 is taken as it is, and one of 176 is scaled up."""
    box = Box(*np.array([[42], [0], [171], [256]]))
    middle = Place.middle(1)
    exact = view(Geometry(256, 168, 4, "inside"), box, middle)
    assert exact.exact_N.all()
    assert exact.rows.pixels_NW[0, [0, -1]].tolist() == [44, 211]
    scaled = view(Geometry(256, 176, 4, "inside"), box, middle)
    assert not scaled.exact_N.any()
    assert extent(scaled.rows.pixels_NW)[0] == pytest.approx(171 * 175 / 176, abs=1)
    assert extent(scaled.columns.pixels_NW)[0] == pytest.approx(171 * 175 / 176, abs=1)


def test_a_photo_on_no_multiple_of_the_stride_is_still_shown_whole() -> None:
    box = Box(*np.array([[10], [10], [108], [108]]))
    seen = view(Geometry(128, 108, 4, "inside"), box, Place.middle(1))
    assert not seen.exact_N.any()
    np.testing.assert_array_equal(seen.rows.pixels_NW[0], np.arange(10, 118))


@pytest.mark.parametrize("side", [None, 48, 96])
def test_a_stretched_photo_is_shown_from_edge_to_edge(side: int | None) -> None:
    size = 96
    box = Box(*np.array([[16, 0], [0, 0], [64, 96], [96, 96]]))
    seen = view(Geometry(size, side or size, 4, "stretch", side), box, Place.middle(2))
    step = np.array([64, 96]) / (side or size)
    start = np.array([16, 0])
    np.testing.assert_allclose(seen.rows.pixels_NW[:, 0], np.maximum(start, start + step / 2 - 0.5))
    np.testing.assert_allclose(np.diff(seen.rows.pixels_NW)[:, 5], step)
    assert seen.exact_N.tolist() == [False, side != 48]


@pytest.mark.parametrize("window", [16, 64])
def test_the_padded_square_is_shown_as_it_is(window: int) -> None:
    box = Box(*np.array([[9], [3], [20], [57]]))
    seen: View = view(Geometry(64, window, 4), box, Place.middle(1))
    assert seen.exact_N.all()
    start = (64 - window) // 2
    assert seen.rows.pixels_NW[0, 0] % 4 == 0
    assert abs(seen.rows.pixels_NW[0, 0] - start) <= 4
    np.testing.assert_array_equal(np.diff(seen.rows.pixels_NW), 1)


def test_without_augmentation_all_is_shown_that_can_be() -> None:
    assert Geometry(64, 16, 4).unaugmented.window == 64
    assert Geometry(64, 16, 4, "stretch").unaugmented.window == 64
    assert Geometry(64, 16, 4, "stretch", 48).unaugmented.window == 48
    assert Geometry(64, 16, 4, "inside").unaugmented.window == 16
