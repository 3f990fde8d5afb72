"""Color spaces against scikit-image in float64, and their laws.

Shape suffixes: N pixels, 3 channels; `_3N` planar.
"""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import color as reference

from huescape.base.errors import HuescapeError
from huescape.color.portable import cube_root
from huescape.color.spaces import (
    SPACES,
    lab_to_picture,
    lab_to_rgb,
    rgb_to_lab,
    rgb_to_yuv,
    space,
    yuv_to_picture,
    yuv_to_rgb,
)

# No deadline: a busy machine is not a wrong result.
LAW = settings(max_examples=40, deadline=None)
PICTURES = hnp.arrays(np.uint8, hnp.array_shapes(max_dims=2, max_side=6).map(lambda s: (*s, 3)))
UNIT = st.floats(0, 1, width=64, allow_subnormal=False)
FLOAT_PICTURES = hnp.arrays(np.float64, st.tuples(st.integers(1, 20), st.just(3)), elements=UNIT)


def _dense_levels() -> np.ndarray:
    """Every 5th level and both ends of each channel, and every gray: 140,608 + 256 colors."""
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return np.concatenate([cube, grays])


def _random_levels(n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, 3), dtype=np.uint8)


def _rows_times(matrix_33: np.ndarray, planes_3N: np.ndarray) -> np.ndarray:
    red, green, blue = planes_3N
    return np.stack([red * r0 + green * r1 + blue * r2 for r0, r1, r2 in matrix_33])


def slow_lab(rgb_N3: np.ndarray) -> np.ndarray:
    """The definition of the stored bits: float32, NumPy's one rounding for each operation."""
    encoded = np.arange(256) / 255
    curved = ((encoded + 0.055) / 1.055) ** 2.4
    table = np.where(encoded > 0.04045, curved, encoded / 12.92).astype(np.float32)
    matrix_33 = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    white_31 = np.array([[0.95047], [1.0], [1.08883]])
    t_3N = _rows_times((matrix_33 / white_31).astype(np.float32), table[rgb_N3.T])
    low = np.float32(0.008856)
    straight_3N = t_3N * np.float32(7.787) + np.float32(16 / 116)
    fx, fy, fz = np.where(t_3N > low, cube_root(np.maximum(t_3N, low)), straight_3N)
    l_a_b = fy * np.float32(116) - np.float32(16), (fx - fy) * np.float32(500), fy - fz
    return np.stack([*l_a_b[:2], l_a_b[2] * np.float32(200)], axis=-1)


def slow_yuv(rgb_N3: np.ndarray) -> np.ndarray:
    """The definition of the stored bits of YUV, likewise."""
    luma = np.array([0.299, 0.587, 0.114])
    u = (np.array([0.0, 0.0, 1.0]) - luma) * (0.436 / (1 - 0.114))
    v = (np.array([1.0, 0.0, 0.0]) - luma) * (0.615 / (1 - 0.299))
    values_3N = (np.arange(256) / 255).astype(np.float32)[rgb_N3.T]
    return _rows_times(np.stack([luma, u, v]).astype(np.float32), values_3N).T


@pytest.mark.parametrize("rgb", [_dense_levels(), _random_levels(300_000)], ids=["dense", "random"])
def test_8_bit_colors_have_the_same_bits_as_the_definition(rgb: np.ndarray) -> None:
    for found, expected in ((rgb_to_lab(rgb), slow_lab(rgb)), (rgb_to_yuv(rgb), slow_yuv(rgb))):
        assert np.array_equal(found.view(np.uint32), np.ascontiguousarray(expected).view(np.uint32))


@pytest.mark.parametrize("rgb", [_dense_levels(), _random_levels(300_000)], ids=["dense", "random"])
def test_lab_agrees_with_reference_for_8_bit_colors(rgb: np.ndarray) -> None:
    lab = rgb_to_lab(rgb)
    assert lab.dtype == np.float32
    assert np.abs(lab - reference.rgb2lab(rgb / 255.0)).max() < 3e-4


def test_lab_agrees_with_reference_for_floats() -> None:
    rgb = np.random.default_rng(2).random((200_000, 3)) ** 2
    truth = reference.rgb2lab(rgb)
    assert rgb_to_lab(rgb).dtype == np.float64
    assert np.abs(rgb_to_lab(rgb) - truth).max() < 1e-10
    single = rgb_to_lab(rgb.astype(np.float32))
    assert single.dtype == np.float32
    assert np.abs(single - truth).max() < 1e-3


@pytest.mark.long
def test_lab_agrees_and_round_trips_for_all_colors() -> None:
    levels = np.arange(256, dtype=np.uint8)
    plane = np.stack(np.meshgrid(levels, levels, indexing="ij"), -1).reshape(-1, 2)
    worst = 0.0
    for red in range(256):
        rgb = np.column_stack([np.full(len(plane), red, np.uint8), plane])
        lab = rgb_to_lab(rgb)
        worst = max(worst, float(np.abs(lab - reference.rgb2lab(rgb / 255.0)).max()))
        assert np.array_equal(np.rint(lab_to_rgb(lab) * 255), rgb)
        assert np.array_equal(np.rint(yuv_to_rgb(rgb_to_yuv(rgb)) * 255), rgb)
        for name, colors in (("lab", lab), ("yuv", rgb_to_yuv(rgb))):
            for channel, (low, high) in enumerate(SPACES[name].chroma_bounds, start=1):
                assert colors[:, channel].min() >= low - 1e-6
                assert colors[:, channel].max() <= high + 1e-6
    assert worst < 1e-3


def test_lab_to_rgb_agrees_with_reference_inside_and_outside_the_gamut() -> None:
    rng = np.random.default_rng(3)
    lab = np.column_stack([rng.uniform(0, 100, 100_000), rng.uniform(-130, 130, (100_000, 2))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = reference.lab2rgb(lab)
    assert np.abs(lab_to_rgb(lab) - truth).max() < 1e-9
    assert np.abs(lab_to_rgb(lab.astype(np.float32)) - truth).max() < 1e-4


def test_yuv_is_full_range_bt601() -> None:
    rgb = _random_levels(100_000)
    yuv = rgb_to_yuv(rgb)
    # scikit-image's matrix has U's factor rounded to 0.4921, so only 2e-5 of agreement.
    assert np.abs(yuv - reference.rgb2yuv(rgb / 255.0)).max() < 3e-5
    corners = rgb_to_yuv(np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1], [1, 1, 0], [0, 1, 1.0]]))
    expected_u, expected_v = [0.436, None, 0, -0.436, None], [None, 0.615, 0, None, -0.615]
    for row, u, v in zip(corners, expected_u, expected_v, strict=True):
        assert u is None or row[1] == pytest.approx(u, abs=1e-12)
        assert v is None or row[2] == pytest.approx(v, abs=1e-12)
    assert corners[2, 0] == pytest.approx(1)


@LAW
@given(PICTURES)
def test_8_bit_round_trip_is_exact_in_every_space(rgb: np.ndarray) -> None:
    for one in SPACES.values():
        assert np.array_equal(np.rint(one.to_rgb(one.from_rgb(rgb)) * 255), rgb)


@LAW
@given(FLOAT_PICTURES)
def test_float_round_trip(rgb: np.ndarray) -> None:
    # 1e-6 for Lab: the published 7.787 and 0.0031308 leave small steps in the curves.
    assert np.abs(lab_to_rgb(rgb_to_lab(rgb)) - rgb).max() < 1e-6
    assert np.abs(yuv_to_rgb(rgb_to_yuv(rgb)) - rgb).max() < 1e-12


@LAW
@given(FLOAT_PICTURES.map(lambda unit: unit * [100, 300, 300] - [0, 150, 150]))
def test_clipping_keeps_rgb_in_range(colors: np.ndarray) -> None:
    for one in SPACES.values():
        rgb = one.to_rgb(colors)
        assert rgb.min() >= 0
        assert rgb.max() <= 1


@pytest.mark.parametrize("name", sorted(SPACES))
def test_neither_length_nor_layout_shows(name: str) -> None:
    one, rgb = space(name), _random_levels(3600).reshape(60, 60, 3)
    whole = one.from_rgb(rgb)
    for length in (0, 1, 7, 1023, 1024, 1025, 2500):
        part = one.from_rgb(rgb.reshape(-1, 3)[:length])
        assert part.tobytes() == whole.reshape(-1, 3)[:length].tobytes()
        picture = one.to_picture(part[:, 0], part[:, 1:])
        assert np.array_equal(picture, rgb.reshape(-1, 3)[:length])
    assert one.from_rgb(rgb[::2, ::-3]).tobytes() == whole[::2, ::-3].tobytes()
    assert one.from_rgb(rgb[:0]).shape == (0, 60, 3)
    rgb.flags.writeable = whole.flags.writeable = False
    assert np.array_equal(one.from_rgb(rgb), whole)
    assert np.array_equal(one.to_picture(whole[..., 0], whole[..., 1:]), rgb)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pictures_are_the_rounded_colors(dtype: type) -> None:
    """Not one level is off, inside and outside the gamut."""
    rng = np.random.default_rng(4)
    for to_picture, to_rgb, scale in (
        (lab_to_picture, lab_to_rgb, [100, 40, 40]),
        (yuv_to_picture, yuv_to_rgb, [1, 0.3, 0.3]),
    ):
        light = rng.uniform(-0.1, 1.1, (200_000, 1))
        color = (np.hstack([light, rng.normal(0, 1, (200_000, 2))]) * scale).astype(dtype)
        expected = np.rint(to_rgb(color.astype(np.float64)) * 255)
        assert np.array_equal(to_picture(color[:, 0], color[:, 1:]), expected)


def test_a_color_that_is_no_number_makes_no_crash() -> None:
    for value in (np.nan, np.inf, -np.inf, 1e38):
        for one in SPACES.values():
            light, chroma = np.full(3, 0.5, np.float32), np.full((3, 2), value, np.float32)
            assert one.to_picture(light, chroma).shape == (3, 3)
            assert one.to_picture(chroma[:, 0].copy(), chroma).shape == (3, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_lab_color_with_nan_becomes_black(dtype: type) -> None:
    nan = np.nan
    lab = np.array([[nan, 0, 0], [50, nan, 0], [50, 0, nan], [nan, nan, nan], [50, 0, 0]], dtype)
    for rgb in (lab_to_rgb(lab), lab_to_picture(lab[:, 0], lab[:, 1:])):
        assert (rgb[:4] == 0).all()
        assert (rgb[4] > 0).all()


def test_pictures_check_shape_and_dtype() -> None:
    for one in SPACES.values():
        with pytest.raises(HuescapeError, match=r"\(4, 3\): allowed is \(4, 2\)"):
            one.to_picture(np.zeros(4), np.zeros((4, 3)))
        with pytest.raises(HuescapeError, match="int64: allowed are float32, float64"):
            one.to_picture(np.zeros(4), np.zeros((4, 2), np.int64))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((4, 4), np.uint8), "shape"),
        (np.zeros((4, 3), np.int64), "int64"),
        (np.array([[0.0, 128.0, 255.0]]), "0 to 255"),
        (np.array([[0.0, -0.1, 1.0]]), "-0.1 to 1"),
        (np.array([[0.0, np.nan, 1.0]]), "nan"),
    ],
)
def test_bad_rgb_is_refused(bad: np.ndarray, words: str) -> None:
    for convert in (rgb_to_lab, rgb_to_yuv):
        with pytest.raises(HuescapeError, match=words):
            convert(bad)


@pytest.mark.parametrize(("name", "factor"), [("lab", 2.55), ("yuv", 255.0)])
def test_lightness_levels(name: str, factor: float) -> None:
    one = space(name)
    levels = np.arange(256, dtype=np.uint8)
    lightness = one.uint8_to_lightness(levels)
    assert lightness.dtype == np.float32
    assert np.array_equal(one.lightness_to_uint8(lightness), levels)
    assert np.allclose(lightness * factor, levels, atol=1e-4)
    dense = np.linspace(*one.lightness_range, 9999)
    assert np.abs(one.lightness_to_uint8(dense) - dense * factor).max() < 0.5 + 1e-4
    low, high = one.lightness_range
    assert one.lightness_to_uint8(np.array([low - 1, high + 1])).tolist() == [0, 255]


def test_network_input() -> None:
    lab: Any = np.array([0, 50, 100], np.float32)
    assert space("lab").network_input(lab).tolist() == [-0.5, 0, 0.5]
    assert space("yuv").network_input(lab / 100).tolist() == [-0.5, 0, 0.5]
    assert space("lab").network_input(lab).dtype == np.float32


def test_unknown_space_names_the_allowed_ones() -> None:
    with pytest.raises(HuescapeError, match="'hsv': allowed are lab, yuv"):
        space("hsv")
