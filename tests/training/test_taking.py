"""No padding comes into a batch that shows none, and colors stay with their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.boxes import Box
from huescape.params.systems import AugmentationParams
from huescape.training import augmentation, gather, taking
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
