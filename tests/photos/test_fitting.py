"""Fitting a photo into a square."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from huescape.photos import fit


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([16, 64, 104]))
def test_fit_is_centered_padded_and_never_enlarged(width: int, height: int, size: int) -> None:
    image = Image.new("RGB", (width, height), (255, 255, 255))
    rgb, box = fit(image, size)
    top, left, inner_height, inner_width = box.tolist()
    assert rgb.shape == (size, size, 3)
    assert rgb.dtype == np.uint8
    assert box.dtype == np.int16
    assert inner_width == max(1, min(width, round(width * min(1, size / max(width, height)))))
    assert inner_height == max(1, min(height, round(height * min(1, size / max(width, height)))))
    if max(width, height) > size:
        assert max(inner_width, inner_height) == size
    inside = np.zeros((size, size), bool)
    inside[top : top + inner_height, left : left + inner_width] = True
    assert (rgb[inside] == 255).all()
    assert (rgb[~inside] == 0).all()
    assert 0 <= size - inner_height - 2 * top <= 1
    assert 0 <= size - inner_width - 2 * left <= 1


def lanczos_weights(before: int, after: int) -> np.ndarray:
    """Rows of the antialiased Lanczos-3 filter, (after, before), from its definition."""
    scale = before / after
    centers = (np.arange(after)[:, None] + 0.5) * scale
    at = (np.arange(before)[None, :] + 0.5 - centers) / scale
    weights = np.where(np.abs(at) < 3, np.sinc(at) * np.sinc(at / 3), 0)
    return weights / weights.sum(1, keepdims=True)


def test_fit_is_lanczos() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (90, 150, 3), dtype=np.uint8)
    rgb, box = fit(Image.fromarray(pixels), 48)
    assert box.tolist() == [9, 0, 29, 48]
    rows, columns = lanczos_weights(90, 29), lanczos_weights(150, 48)
    expected = np.einsum("yh,hwc,xw->yxc", rows, pixels.astype(float), columns)
    np.testing.assert_allclose(rgb[9:38], np.clip(expected, 0, 255), atol=2)


def test_small_photo_is_copied_exactly() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    rgb, box = fit(Image.fromarray(noise), 64)
    assert box.tolist() == [20, 12, 24, 40]
    np.testing.assert_array_equal(rgb[20:44, 12:52], noise)


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32))
def test_fit_is_what_pillow_makes(width: int, height: int, seed: int) -> None:
    assume(height < 1.9 * width)  # taller photos are resampled down, then across
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    rgb, box = fit(pixels, 64)
    top, left, inner_height, inner_width = box.tolist()
    inner = rgb[top : top + inner_height, left : left + inner_width]
    for size in ((inner_width, height), (inner_width, inner_height)):
        image = image.resize(size, Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(inner, np.asarray(image))
    again, same_box = fit(Image.fromarray(np.ascontiguousarray(pixels[..., :3])), 64)
    np.testing.assert_array_equal(again, rgb)
    np.testing.assert_array_equal(same_box, box)
