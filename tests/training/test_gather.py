"""Decoding by tables gives the bits of NumPy's own indexing and conversions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.boxes import Box
from huescape.params.systems import AugmentationParams
from huescape.training import augmentation, gather
from huescape.training.augmentation import Draw
from huescape.training.geometry import Geometry
from huescape.training.taking import take_pixels, take_planes, take_targets

BYTES = np.arange(256, dtype=np.float32)


def boxes(count: int, size: int) -> Box:
    """All of the square."""
    return Box(*np.tile((0, 0, size, size), (count, 1)).T)


def whole(count: int, size: int) -> Draw:
    """Photos as they are."""
    return augmentation.unaugmented(Geometry(size, size, 1), boxes(count, size))


def reference_pixels(photos: np.ndarray, drawn: Draw) -> np.ndarray:
    """The crops by NumPy's indexing of a whole batch."""
    photo_N11 = np.arange(len(photos))[:, None, None]
    rows, columns = drawn.view.rows.pixels_NW, drawn.view.columns.pixels_NW
    return photos[photo_N11, rows.astype(int)[:, :, None], columns.astype(int)[:, None, :]]


def reference_targets(targets: np.ndarray, drawn: Draw) -> np.ndarray:
    """The crops' targets by NumPy's indexing of a whole batch."""
    rows, columns = drawn.view.rows.targets_Nw, drawn.view.columns.targets_Nw
    photo_N11 = np.arange(len(targets))[:, None, None]
    return targets[photo_N11, rows[:, :, None], columns[:, None, :]]


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and (
        first.tobytes() == second.tobytes()
    )  # fmt: skip


@st.composite
def draws(draw: Callable[..., int]) -> tuple[Draw, int, int, np.random.Generator]:
    """Any crop of 3 photos, any of them mirrored; the photos' side and stride; a generator."""
    stride, blocks = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    size = stride * draw(st.integers(blocks, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    geometry = Geometry(size, blocks * stride, stride)
    changes = augmentation.together(AugmentationParams(), 3, rng)
    drawn = augmentation.draw(changes, geometry, boxes(3, size), rng, np.zeros((3, 2)))
    return drawn, size, stride, rng


@settings(max_examples=60, deadline=None)
@given(case=draws())
def test_pixels_are_looked_up(case: tuple[Draw, int, int, np.random.Generator]) -> None:
    drawn, size, _, rng = case
    photos = rng.integers(0, 256, (3, size, size), dtype=np.uint8)
    table = rng.standard_normal(256).astype(np.float32)
    expected = table[reference_pixels(photos, drawn)]
    assert same_bits(take_pixels(list(photos), drawn, table), expected)


@settings(max_examples=60, deadline=None)
@given(
    case=draws(),
    neighbors=st.integers(1, 6),
    stored=st.sampled_from(["uint8", "uint16"]),
    dtype=st.sampled_from([None, "int64", "int32"]),
)
def test_indices_are_widened(
    case: tuple[Draw, int, int, np.random.Generator],
    neighbors: int,
    stored: str,
    dtype: str | None,
) -> None:
    drawn, size, stride, rng = case
    side, top = size // stride, np.iinfo(stored).max
    targets = rng.integers(0, top, (3, side, side, neighbors), endpoint=True).astype(stored)
    expected = reference_targets(targets, drawn).astype(dtype or stored)
    assert same_bits(take_targets(targets, drawn, dtype=dtype), expected)


@settings(max_examples=40, deadline=None)
@given(case=draws())
def test_planes_become_channels(case: tuple[Draw, int, int, np.random.Generator]) -> None:
    drawn, size, stride, rng = case
    side = size // stride
    planes = rng.integers(-32768, 32768, (3, 2, side, side)).astype(np.int16)
    table = (np.arange(1 << 16, dtype=np.uint16).view(np.int16) / 32767).astype(np.float32)
    expected = reference_targets(np.moveaxis(planes, 1, -1), drawn)
    taken = take_planes(list(planes), drawn, table)
    assert same_bits(taken, (expected / 32767).astype(np.float32))


@pytest.mark.parametrize("kind", ["float16", "int16", "uint16"])
def test_every_value_of_sixteen_bits_is_decoded(kind: str) -> None:
    """With infinities, NaN and subnormal numbers: the table is made of NumPy's conversions."""
    values = np.arange(1 << 16, dtype=np.uint16).view(kind).reshape(256, 256)
    table = values.reshape(-1).astype(np.float32)
    taken = take_pixels([values, values[::-1].copy()], whole(2, 256), table)
    assert same_bits(taken[0], values.astype(np.float32))
    assert same_bits(taken[1], values[::-1].astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(
    starts=st.lists(st.integers(0, 20), max_size=4),
    offsets=st.lists(st.integers(0, 43), min_size=1, max_size=9),
)
def test_places_may_come_in_any_order(starts: list[int], offsets: list[int]) -> None:
    flat = np.random.default_rng(0).integers(0, 256, 64, dtype=np.uint8)
    start_1R, offset_1M = np.array([starts], np.uint64), np.array([offsets], np.uint64)
    expected = flat[np.array(starts, int)[:, None] + np.array(offsets)][None]
    assert same_bits(gather.convert([flat], start_1R, offset_1M), expected)
    table = np.arange(256, dtype=np.float32) / 3
    assert same_bits(gather.look_up([flat], start_1R, offset_1M, table), table[expected])


def test_read_only_views_are_read() -> None:
    """The shards give such."""
    photos = np.random.default_rng(1).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    photos.flags.writeable = False
    assert same_bits(take_pixels(list(photos), whole(2, 8), BYTES), BYTES[photos])


@pytest.mark.parametrize(("size", "shape"), [(9, (8, 8)), (8, (8, 7)), (8, (7, 8))])
def test_places_outside_a_photo_are_refused(size: int, shape: tuple[int, int]) -> None:
    photos = [np.zeros(shape, np.uint8)]
    with pytest.raises(IndexError, match="of a stored photo of shape"):
        take_targets(photos, whole(1, size))
    with pytest.raises(IndexError, match="smaller than their index says"):
        take_pixels(photos, whole(1, size), BYTES)


def test_places_before_a_photo_are_refused() -> None:
    negative = np.array([[-1]]).astype(np.uint64)
    with pytest.raises(IndexError):
        gather.convert([np.zeros(4, np.uint8)], negative, np.ones((1, 1), np.uint64))


def test_a_table_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a table of 256 entries for numbers of uint16"):
        take_pixels([np.zeros((4, 4), np.uint16)], whole(1, 4), BYTES)
