"""Perceptual hashes, and groups of near ones."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy.fft import dctn

from huescape.photos.duplicates import groups, perceptual_hash


def picture(seed: int) -> Image.Image:
    """Smooth random blobs: structure at low frequencies, as photos have."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((180, 140), Image.Resampling.BICUBIC)


def distance(a: Image.Image, b: Image.Image) -> int:
    return (perceptual_hash(a) ^ perceptual_hash(b)).bit_count()


@pytest.mark.parametrize("seed", range(10))
def test_hash_is_that_of_a_float_dct(seed: int) -> None:
    """Only a coefficient that nearly equals the median may fall on the other side."""
    small = picture(seed).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(small, np.float64))[:8, :8].reshape(-1)
    expected = low > np.median(low[1:])
    got = np.array([int(bit) for bit in f"{perceptual_hash(picture(seed)):064b}"], bool)
    margin = np.abs(low - np.median(low[1:])) > 1e-2 * np.abs(low[1:]).max()
    assert margin.sum() > 50
    np.testing.assert_array_equal(got[margin], expected[margin])


def test_hash_has_32_bits_and_the_range_of_64() -> None:
    for seed in range(10):
        assert perceptual_hash(picture(seed)).bit_count() == 32


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_near_and_others_far(seed: int) -> None:
    image = picture(seed)
    stream = io.BytesIO()
    image.resize((90, 70), Image.Resampling.LANCZOS).save(stream, "JPEG", quality=40)
    assert distance(image, Image.open(stream).convert("RGB")) <= 6
    assert distance(image, ImageEnhance.Contrast(image).enhance(0.8)) <= 8
    assert distance(image, picture(seed + 100)) > 12
    assert distance(image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 12


def test_flat_and_tiny_images_have_a_hash() -> None:
    for size in ((1, 1), (1, 300), (64, 64)):
        assert 0 <= perceptual_hash(Image.new("RGB", size, (9, 90, 200))) < 2**64


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_groups_are_the_connected_components(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    node = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(node, node).filter(lambda p: p[0] != p[1]), max_size=12))
    near = np.eye(count, dtype=bool)
    for i, j in pairs:
        near[i, j] = near[j, i] = True
    for _ in range(count):
        near = near @ near
    expected = sorted({tuple(np.flatnonzero(line).tolist()) for line in near if line.sum() > 1})
    assert groups(count, pairs) == [list(group) for group in expected]
