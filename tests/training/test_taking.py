"""No padding comes into a batch that shows none, and colors stay with their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.boxes import Box
from huescape.params.systems import AugmentationParams
from huescape.training import augmentation, gather, taking
from huescape.training.augmentation import Draw
from huescape.training.geometry import Geometry

LEVELS = np.arange(256, dtype=np.float32)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    stride=st.sampled_from([1, 2, 4]),
    fit=st.sampled_from(["inside", "stretch"]),
    window=st.sampled_from([16, 32, 48]),
    calm=st.booleans(),
)
def test_a_batch_shows_no_padding(
    seed: int, stride: int, fit: str, window: int, calm: bool
) -> None:
    """Padding is 0 and far from every color; a photo has levels from 100 on."""
    rng, size, count = np.random.default_rng(seed), 64, 6
    height, width = rng.integers(stride, size, size=(2, count), endpoint=True)
    box = Box(rng.integers(0, size - height + 1), rng.integers(0, size - width + 1), height, width)
    photos = np.zeros((count, size, size), np.uint8)
    for n in range(count):
        own = Box(*(side[n] for side in box))
        own.cut(photos[n])[:] = rng.integers(100, 256, (own.height, own.width))
    geometry = Geometry(size, window, stride, fit)
    if calm:
        draw = augmentation.unaugmented(geometry, box)
    else:
        changes = augmentation.together(AugmentationParams(turn=True), count, rng)
        draw = augmentation.draw(changes, geometry, box, rng, np.zeros((count, 2)))
    assert taking.take_pixels(photos, draw, LEVELS).min() >= 100
    half = stride // 2
    targets = taking.take_targets(photos[:, half::stride, half::stride], draw)
    mask = taking.take_mask(draw)
    assert targets[mask].min(initial=255) >= 100
    assert mask.all()


@pytest.mark.parametrize("fit", ["inside", "stretch"])
def test_scaled_colors_stay_with_their_pixels(fit: str) -> None:
    """On a ramp, a target is the stored one nearest to the middle of its pixels."""
    size, stride = 64, 4
    ramp = np.tile(np.arange(size, dtype=np.uint8), (size, 1))
    box = Box(*np.array([[16], [4], [30], [50]]))
    draw = augmentation.unaugmented(Geometry(size, 48, stride, fit), box)
    pixels = taking.take_pixels([ramp], draw, LEVELS)
    targets = taking.take_targets([ramp[2::4, 2::4]], draw)
    difference = targets - pixels[:, 2::4, 2::4]
    assert np.abs(difference[:, :, 1:-1]).max() <= stride / 2


def resized(photos: np.ndarray, box: Box, window: int, seed: int) -> Draw:
    """A draw of resized crops, flips and turns."""
    params = AugmentationParams(turn=True, crop=window, area=(0.1, 1.0), aspect=(0.75, 4 / 3))
    rng = np.random.default_rng(seed)
    changes = augmentation.together(params, len(photos), rng)
    geometry = Geometry(photos.shape[-1], window, 4, "inside")
    return augmentation.draw(changes, geometry, box, rng, np.zeros((len(photos), 2)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), window=st.sampled_from([16, 32, 48, 80]))
def test_resized_crops_show_no_padding_and_keep_their_colors(seed: int, window: int) -> None:
    """On a ramp down and one across, scaled either way: the targets are the nearest stored ones."""
    rng, size, count = np.random.default_rng(seed), 64, 6
    height, width = rng.integers(8, size, size=(2, count), endpoint=True)
    box = Box(rng.integers(0, size - height + 1), rng.integers(0, size - width + 1), height, width)
    photos = np.zeros((2, count, size, size), np.uint8)
    for n in range(count):
        own = Box(*(side[n] for side in box))
        ramp = np.arange(100, 100 + size, dtype=np.uint8)
        own.cut(photos[0, n])[:] = ramp[own.top : own.top + own.height, None]
        own.cut(photos[1, n])[:] = ramp[own.left : own.left + own.width]
    for ramps in photos:
        draw = resized(ramps, box, window, seed)
        pixels = taking.take_pixels(ramps, draw, LEVELS)
        assert pixels.min() >= 100 - 1e-3
        targets = taking.take_targets(ramps[:, 2::4, 2::4], draw)
        assert targets.min() >= 100
        assert taking.take_mask(draw).all()
        inner = slice(1, -1) if window > 16 else slice(None)
        difference = np.abs(targets - pixels[:, 2::4, 2::4])[:, inner, inner]
        # Half a stride; at a photo's edges, where none is stored beyond, a stride.
        assert np.median(difference) <= 2
        assert difference.max() <= 4


def test_all_of_a_square_photo_at_its_own_size_is_itself() -> None:
    photos = np.random.default_rng(5).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    params = AugmentationParams(flip=False, crop=48, area=(1.0, 1.0))
    rng = np.random.default_rng(0)
    changes = augmentation.together(params, 3, rng)
    box = Box(*np.tile([0, 0, 48, 48], (3, 1)).T)
    draw = augmentation.draw(changes, Geometry(48, 48, 4, "inside"), box, rng, np.zeros((3, 2)))
    np.testing.assert_array_equal(taking.take_pixels(photos, draw, LEVELS), photos)
    stored = photos[:, 2::4, 2::4]
    np.testing.assert_array_equal(taking.take_targets(stored, draw), stored)


def test_what_is_shrunk_is_antialiased_as_by_torch() -> None:
    """A whole photo, shrunk by 1.6 down and 2.25 across; and no stripe of two pixels is left."""
    photo = np.random.default_rng(6).integers(0, 256, (64, 72), dtype=np.uint8)
    rows = gather.taps((np.arange(40) + 0.5) * 1.6 - 0.5, 1.6, 0, 63)
    columns = gather.taps((np.arange(32) + 0.5) * 2.25 - 0.5, 2.25, 0, 71)
    found = gather.shrink(photo, rows, columns, LEVELS)
    tensor = torch.from_numpy(photo.astype(np.float32))[None, None]
    expected = F.interpolate(tensor, (40, 32), mode="bilinear", antialias=True)[0, 0]
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-3)
    stripes = np.tile(np.uint8([0, 200]), (64, 32))
    every = gather.taps((np.arange(42) + 0.5) * 64 / 42 - 0.5, 64 / 42, 0, 63)
    shown = gather.shrink(stripes, every, every, LEVELS)
    between = gather.blend([stripes], *[(np.arange(42)[None] + 0.5) * 64 / 42 - 0.5] * 2, LEVELS)
    assert np.ptp(shown[:, 2:-2]) < 70 < 130 < np.ptp(between[0, :, 2:-2])


def test_means_of_pixels_outside_a_photo_are_refused() -> None:
    inside = gather.taps(np.array([4.0]), 2, 0, 8)
    with pytest.raises(IndexError, match="outside a stored photo of shape"):
        gather.shrink(np.zeros((9, 5), np.uint8), inside, inside, LEVELS)
    with pytest.raises(ValueError, match="a table of 9 entries"):
        gather.shrink(np.zeros((9, 9), np.uint8), inside, inside, LEVELS[:9])


def test_places_between_pixels_are_bilinear() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (9, 12), dtype=np.uint8)
    row, column = rng.random((1, 5)) * 8, rng.random((1, 7)) * 11
    row[0, 0], column[0, 0] = 8, 11  # the last pixel has nothing after it
    found = gather.blend([photo], row, column, LEVELS)[0]
    for r, y in enumerate(row[0]):
        for c, x in enumerate(column[0]):
            corners = np.pad(photo.astype(float), (0, 1), mode="edge")
            i, j = int(y), int(x)
            above = (1 - (x - j)) * corners[i, j] + (x - j) * corners[i, j + 1]
            below = (1 - (x - j)) * corners[i + 1, j] + (x - j) * corners[i + 1, j + 1]
            assert found[r, c] == pytest.approx((1 - (y - i)) * above + (y - i) * below, rel=1e-5)


def test_whole_places_have_the_bits_of_the_table() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (16, 16), dtype=np.uint8)
    table = np.random.default_rng(2).standard_normal(256).astype(np.float32)
    every = np.arange(16.0)[None]
    assert gather.blend([photo], every, every, table)[0].tobytes() == table[photo].tobytes()


@pytest.mark.parametrize("place", [-0.1, 8.5])
def test_places_outside_a_photo_are_refused(place: float) -> None:
    photos, good, bad = [np.zeros((8, 9), np.uint8)], np.zeros((1, 1)), np.full((1, 1), place)
    for rows, columns in ((good, bad), (bad, good)):
        with pytest.raises(IndexError, match="outside a stored photo of shape"):
            gather.blend(photos, rows, columns, LEVELS)
