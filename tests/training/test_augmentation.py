"""Crops, flips and turns of a photo and of its targets are the same crop, flip and turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from huescape.base.boxes import Box
from huescape.params.systems import AugmentationParams, LightnessParams
from huescape.training import augmentation, taking
from huescape.training.augmentation import Draw
from huescape.training.geometry import Geometry

ITSELF = np.arange(1 << 16).astype(np.float64)


def boxes(count: int, size: int, *box: int) -> Box:
    """All of the square for each photo, or `box`."""
    return Box(*np.tile(box or (0, 0, size, size), (count, 1)).T)


def drawn(
    params: AugmentationParams, geometry: Geometry, box: Box, seed: int | np.random.Generator
) -> Draw:
    """A draw of mode together."""
    generator = np.random.default_rng(seed)
    count = len(box.top)
    changes = augmentation.together(params, count, generator)
    return augmentation.draw(changes, geometry, box, generator, generator.random((count, 2)))


def encode(levels: np.ndarray, stride: int) -> np.ndarray:
    """Stands for any pointwise encoding, sampled as the targets are."""
    return levels[:, stride // 2 :: stride, stride // 2 :: stride] * 7 + 3


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    stride=st.integers(1, 5),
    blocks=st.integers(4, 7),
    fit=st.sampled_from(["pad", "inside"]),
    turn=st.booleans(),
)
def test_crop_flip_and_turn_commute_with_encoding(
    seed: int, stride: int, blocks: int, fit: str, turn: bool
) -> None:
    size, crop = 8 * stride, blocks * stride
    rng = np.random.default_rng(seed)
    top, left = rng.integers(0, size - crop, size=(2, 6), endpoint=True)
    box = Box(top, left, *(rng.integers(crop, size - at, endpoint=True) for at in (top, left)))
    photos = np.arange(6 * size * size, dtype=np.uint16).reshape(6, size, size)
    geometry = Geometry(size, crop, stride, fit)
    draw = drawn(AugmentationParams(turn=turn), geometry, box, rng)
    pixels = taking.take_pixels(photos, draw, ITSELF)
    assert pixels.shape == (6, crop, crop)
    targets = taking.take_targets(encode(photos.astype(np.int64), stride), draw)
    exact = draw.view.exact_N
    assert exact.any() or fit == "inside"
    # The only exception: the last row or column of a mirrored crop at an edge repeats the edge.
    np.testing.assert_array_equal(encode(pixels, stride)[exact], targets[exact])


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_pixels_are_neighbors_in_the_photo(stride: int) -> None:
    size, crop = 32, 16
    photos = np.tile(np.arange(size, dtype=np.uint16), (20, size, 1))
    draw = drawn(AugmentationParams(), Geometry(size, crop, stride), boxes(20, size), 0)
    differences = np.diff(taking.take_pixels(photos, draw, ITSELF), axis=2)
    directions = {int(np.median(d)) for d in differences}
    assert directions == {-1, 1}  # both orientations occur
    assert np.isin(differences, [-1, 0, 1]).all()
    assert (differences == 0).sum() <= 20 * crop  # at most one repeated edge column a photo


def test_turns_are_those_of_numpy() -> None:
    """A stride of 1 has no repeated edge: all eight pictures of a photo are exactly itself."""
    photo = np.arange(64, dtype=np.uint16).reshape(8, 8)
    draw = drawn(AugmentationParams(turn=True), Geometry(8, 8, 1), boxes(100, 8), 0)
    found = taking.take_pixels([photo] * 100, draw, ITSELF)
    turned = {np.rot90(each, k).tobytes() for each in (photo, photo[:, ::-1]) for k in range(4)}
    assert {one.astype(np.uint16).tobytes() for one in found} == turned
    quarters = np.arange(4)
    none = augmentation.Changes.none(4)
    changes = augmentation.Changes(none.flipped_N, quarters, none.noise_N, none.share_N)
    generator = np.random.default_rng(0)
    draw = augmentation.draw(changes, Geometry(8, 8, 1), boxes(4, 8), generator, np.zeros((4, 2)))
    found = taking.take_pixels([photo] * 4, draw, ITSELF)
    np.testing.assert_array_equal(found, [np.rot90(photo, k) for k in quarters])


@pytest.mark.parametrize("stride", [1, 4])
def test_mask_moves_with_the_crop(stride: int) -> None:
    size, crop, count = 32, 16, 12
    inside = np.zeros((count, size, size), np.uint8)
    inside[:, 3:23, 9:23] = 1
    params = AugmentationParams(turn=True)
    draw = drawn(params, Geometry(size, crop, stride), boxes(count, size, 3, 9, 20, 14), 1)
    pixels = taking.take_pixels(inside, draw, ITSELF[:256])
    half = stride // 2
    expected = pixels[:, half::stride, half::stride]
    np.testing.assert_array_equal(taking.take_mask(draw), expected)
    assert 0 < expected.mean() < 1


def test_noise_has_the_deviation_of_its_photo() -> None:
    params = AugmentationParams(noise=(0.0, 0.01, 0.05))
    draw = drawn(params, Geometry(64, 64, 1), boxes(30, 64), 2)
    generators = [np.random.default_rng(2)] * 30
    noise = augmentation.noise(draw.noise_N, (64, 64), generators, slice(0, 30))
    assert set(np.round(draw.noise_N.astype(float), 3).tolist()) == {0.0, 0.01, 0.05}
    np.testing.assert_allclose(noise.std(axis=(1, 2)), draw.noise_N, rtol=0.1)


def test_without_noise_flip_or_crop_a_photo_is_itself() -> None:
    photos = np.random.default_rng(3).integers(0, 255, (3, 16, 16)).astype(np.uint8)
    geometry = Geometry(16, 16, 1)
    draw = drawn(AugmentationParams(flip=False), geometry, boxes(3, 16), 4)
    np.testing.assert_array_equal(taking.take_pixels(photos, draw, ITSELF[:256]), photos)
    assert not draw.noise_N.any()
    plain = augmentation.unaugmented(geometry, boxes(3, 16))
    np.testing.assert_array_equal(taking.take_pixels(photos, plain, ITSELF[:256]), photos)


AREA = AugmentationParams(crop=32, area=(0.35, 1.0), aspect=(0.75, 4 / 3))


def test_resized_crops_have_the_area_and_the_aspect_that_are_asked_for() -> None:
    """But for those that the photo is too narrow for, which are cut to its sides."""
    count, size = 4000, 96
    box = boxes(count, size, 8, 0, 64, 96)
    draw = drawn(AREA, Geometry(size, 32, 4, "inside"), box, 0)
    height, width = (axis.step_N * 32 for axis in (draw.view.rows, draw.view.columns))
    assert height.max() <= 64
    assert width.max() <= 96
    whole = height < 64 - 1e-9
    area, aspect = height * width / (64 * 96), width / height
    assert 0.3 < whole.mean() < 0.9
    assert area[whole].min() == pytest.approx(0.35, abs=0.01)
    assert 0.9 < area.max() <= 1
    assert aspect[whole].min() == pytest.approx(0.75, abs=0.01)
    assert aspect[whole].max() == pytest.approx(4 / 3, abs=0.01)
    for axis, first, length in ((draw.view.rows, 8, 64), (draw.view.columns, 0, 96)):
        assert axis.pixels_NW.min() == pytest.approx(first, abs=1)
        assert axis.pixels_NW.max() == pytest.approx(first + length - 1, abs=1)


def test_curves_are_drawn_within_their_limits_for_a_share_of_the_photos() -> None:
    params = LightnessParams(share=0.25, gamma=0.3, contrast=(0.8, 1.15), brightness=0.05)
    curves = augmentation.Curves.drawn(params, 8000, np.random.default_rng(0))
    bent = (curves.gamma_N != 1) | (curves.contrast_N != 1) | (curves.brightness_N != 0)
    assert bent.mean() == pytest.approx(0.25, abs=0.02)
    for values, low, high in (
        (np.log(curves.gamma_N), -0.3, 0.3),
        (curves.contrast_N, 0.8, 1.15),
        (curves.brightness_N, -0.05, 0.05),
    ):
        assert values[bent].min() == pytest.approx(low, abs=0.01)
        assert values[bent].max() == pytest.approx(high, abs=0.01)
        assert values[bent].mean() == pytest.approx((low + high) / 2, abs=0.01)


def test_a_curve_bends_normalized_lightness() -> None:
    """By the formula in float64; the straight ones leave every bit."""
    rng = np.random.default_rng(0)
    before = rng.uniform(-0.5, 0.5, (3, 8, 8)).astype(np.float32)
    after = before.copy()
    curves = augmentation.Curves(
        np.array([1.3, 1.0, 0.8]), np.array([0.9, 1.0, 1.2]), np.array([0.04, 0.0, -0.3])
    )
    curves.bend(after, np.float32(-0.5), np.float32(1))
    assert (after[1] == before[1]).all()
    for n in (0, 2):
        v = (before[n].astype(float) + 0.5) ** curves.gamma_N[n]
        v = (v - 0.5) * curves.contrast_N[n] + 0.5 + curves.brightness_N[n]
        np.testing.assert_allclose(after[n], np.clip(v, 0, 1) - 0.5, atol=1e-6)
    assert after[2].min() == -0.5  # cut


def test_what_cannot_be_drawn_is_refused() -> None:
    for values, words in (
        ({"area": (1.0, 0.35)}, "area is .*smaller end first"),
        ({"aspect": (1.3, 0.7)}, "aspect is .*smaller end first"),
        ({"lightness": {"contrast": [1.2, 0.8]}}, "contrast is .*smaller end first"),
        ({"mode": "single", "area": (0.3, 1.0)}, "allowed with mode single: null"),
        ({"mode": "single", "lightness": {}}, "allowed with mode single: null"),
    ):
        with pytest.raises(ValidationError, match=words):
            AugmentationParams.model_validate(values)


def test_the_seven_variants_have_one_change_each() -> None:
    params = AugmentationParams(mode="single", crop_shares=(0.7, 0.7), noise=(1e-4, 2e-4, 3e-4))
    found = augmentation.variants(params)
    changed = [
        found.flipped_N.astype(int).tolist(),
        (found.noise_N > 0).astype(int).tolist(),
        (found.share_N < 1).astype(int).tolist(),
    ]
    assert changed == [[0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1]]
    assert not found.quarters_N.any()
    alone = augmentation.variants(AugmentationParams(mode="single", flip=False, turn=True))
    assert alone.quarters_N.tolist() == [0, 1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 0.9))
def test_a_crop_to_a_share_is_padded_in_its_place(seed: int, share: float) -> None:
    """What is left has the stored pixels and targets, on the photo; the rest is black."""
    rng, size, stride = np.random.default_rng(seed), 32, 4
    height, width = rng.integers(4, size, size=(2, 5), endpoint=True)
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    photos = rng.integers(1, 256, (5, size, size), dtype=np.uint8)
    params = AugmentationParams(crop_shares=(share,), flip=False)
    draw = drawn(params, Geometry(size, size, stride), Box(top, left, height, width), rng)
    found = taking.take_pixels(photos, draw, ITSELF[:256])
    for n, photo in enumerate(photos):
        rows, columns = np.nonzero(found[n])
        assert np.ptp(rows) + 1 == max(1, int(height[n] * share))
        assert np.ptp(columns) + 1 == max(1, int(width[n] * share))
        assert rows.min() >= top[n]
        assert rows.max() < top[n] + height[n]
        assert columns.min() >= left[n]
        assert columns.max() < left[n] + width[n]
        assert (found[n][found[n] > 0] == photo[found[n] > 0]).all()
    np.testing.assert_array_equal(taking.take_mask(draw), found[:, 2::4, 2::4] > 0)
