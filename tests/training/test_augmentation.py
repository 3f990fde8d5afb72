"""Crops and flips of a photo and of its targets are the same crop and flip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.params.systems import AugmentationParams
from huescape.training import augmentation
from huescape.training.augmentation import Geometry


def encode(levels: np.ndarray, stride: int) -> np.ndarray:
    """Stands for any pointwise encoding, sampled as the targets are."""
    return levels[:, stride // 2 :: stride, stride // 2 :: stride] * 7 + 3


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), stride=st.integers(1, 5), blocks=st.integers(4, 7))
def test_crop_and_flip_commute_with_encoding(seed: int, stride: int, blocks: int) -> None:
    size, crop = 8 * stride, blocks * stride
    photos = np.arange(6 * size * size).reshape(6, size, size)
    generator = np.random.default_rng(seed)
    drawn = augmentation.draw(AugmentationParams(), Geometry(size, crop, stride), 6, generator)
    pixels = augmentation.take_pixels(photos, drawn)
    assert pixels.shape == (6, crop, crop)
    targets = augmentation.take_targets(encode(photos, stride), drawn, stride)
    # The only exception: the last column of a flipped crop at the right edge repeats an edge.
    np.testing.assert_array_equal(encode(pixels, stride), targets)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_pixels_are_neighbors_in_the_photo(stride: int) -> None:
    size, crop = 32, 16
    photos = np.tile(np.arange(size), (20, size, 1))
    generator = np.random.default_rng(0)
    drawn = augmentation.draw(AugmentationParams(), Geometry(size, crop, stride), 20, generator)
    differences = np.diff(augmentation.take_pixels(photos, drawn), axis=2)
    directions = {int(np.median(d)) for d in differences}
    assert directions == {-1, 1}  # both orientations occur
    assert np.isin(differences, [-1, 0, 1]).all()
    assert (differences == 0).sum() <= 20 * crop  # at most one repeated edge column a photo


@pytest.mark.parametrize("stride", [1, 4])
def test_mask_moves_with_the_crop(stride: int) -> None:
    size, crop, count = 32, 16, 12
    box = np.tile(np.array([3, 9, 20, 14], np.int16), (count, 1))
    inside = np.zeros((count, size, size), bool)
    inside[:, 3:23, 9:23] = True
    generator = np.random.default_rng(1)
    drawn = augmentation.draw(AugmentationParams(), Geometry(size, crop, stride), count, generator)
    pixels = augmentation.take_pixels(inside, drawn)
    half = stride // 2
    expected = pixels[:, half::stride, half::stride]
    np.testing.assert_array_equal(augmentation.take_mask(box, drawn, stride), expected)
    assert 0 < expected.mean() < 1


def test_noise_has_the_deviation_of_its_photo() -> None:
    params = AugmentationParams(noise=(0.0, 0.01, 0.05))
    generator = np.random.default_rng(2)
    drawn = augmentation.draw(params, Geometry(64, 64, 1), 30, generator)
    noise = augmentation.noise_like(drawn, (30, 64, 64), generator)
    assert set(np.round(drawn.noise_N.astype(float), 3).tolist()) == {0.0, 0.01, 0.05}
    np.testing.assert_allclose(noise.std(axis=(1, 2)), drawn.noise_N, rtol=0.1)


def test_without_noise_flip_or_crop_a_photo_is_itself() -> None:
    photos = np.random.default_rng(3).integers(0, 255, (3, 16, 16))
    params, geometry = AugmentationParams(flip=False), Geometry(16, 16, 1)
    generator = np.random.default_rng(4)
    drawn = augmentation.draw(params, geometry, 3, generator)
    np.testing.assert_array_equal(augmentation.take_pixels(photos, drawn), photos)
    assert not drawn.noise_N.any()
    whole = augmentation.whole(geometry, 3)
    np.testing.assert_array_equal(augmentation.take_pixels(photos, whole), photos)
