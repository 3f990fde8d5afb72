"""Pixels of another profile: right in sRGB, in 8 and 16 bits; what cannot be followed is said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from huescape.coloring import strips
from huescape.coloring.profiles import srgb_profile
from huescape.coloring.srgb import to_srgb
from tests.coloring.icc import (
    ADOBE_GAMMA,
    ADOBE_RGB,
    gamma_curve,
    gray_profile,
    ink_profile,
    parametric_curve,
    rgb_profile,
    table_curve,
)

ADOBE = rgb_profile(gamma_curve(ADOBE_GAMMA))
# IEC 61966-2-1, in the primaries of sRGB adapted to D50 (Bradford).
SRGB_FROM_XYZ = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540],
     [0.0719453, -0.2289914, 1.4052427]]
)  # fmt: skip
SRGB_CURVE = parametric_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def encode(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def from_adobe(unit_HW3: np.ndarray) -> np.ndarray:
    """By the definition of Adobe RGB (1998)."""
    return encode(unit_HW3**ADOBE_GAMMA @ ADOBE_RGB @ SRGB_FROM_XYZ.T)


def colors(seed: int = 0, shape: tuple[int, ...] = (30, 40, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_eight_bits_follow_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb_HW3 = colors()
    expected_HW3 = from_adobe(rgb_HW3 / 255.0) * 255
    assert np.abs(expected_HW3 - rgb_HW3).max() > 30
    monkeypatch.setattr(strips, "PIXELS", 40 * 7)
    found_HW3, words = to_srgb(rgb_HW3.copy(), ADOBE)
    assert words == []
    assert found_HW3.dtype == np.uint8
    assert np.abs(found_HW3 - expected_HW3).max() < 1.6


@pytest.mark.parametrize(
    "curve",
    [
        gamma_curve(ADOBE_GAMMA),
        table_curve(np.linspace(0, 1, 2001) ** ADOBE_GAMMA),
        parametric_curve(0, ADOBE_GAMMA),
        parametric_curve(1, ADOBE_GAMMA, 1.0, 0.0),
        parametric_curve(2, ADOBE_GAMMA, 1.0, 0.0, 0.0),
        parametric_curve(3, ADOBE_GAMMA, 1.0, 0.0, 1.0, 0.0),
        parametric_curve(4, ADOBE_GAMMA, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0),
    ],
    ids=["gamma", "table", "0", "1", "2", "3", "4"],
)
def test_sixteen_bits_follow_it_exactly(curve: bytes) -> None:
    deep_HW3 = np.random.default_rng(1).integers(0, 65536, (30, 40, 3), dtype=np.uint16)
    expected_HW3 = from_adobe(deep_HW3 / 65535.0) * 65535
    found_HW3, words = to_srgb(deep_HW3.copy(), rgb_profile(curve))
    assert words == []
    assert found_HW3.dtype == np.uint16
    # Where sRGB is steepest, near black, a thousandth of a level of 8 bits is some of 16.
    assert np.abs(found_HW3 - expected_HW3).max() < 40
    assert np.abs(found_HW3 - expected_HW3).mean() < 4


@pytest.mark.parametrize(
    "curve",
    [
        SRGB_CURVE,
        parametric_curve(1, 2.0, 0.9, 0.1),
        parametric_curve(2, 2.0, 0.8, 0.1, 0.1),
        parametric_curve(4, 2.2, 0.9, 0.05, 0.3, 0.1, 0.02, 0.03),
        table_curve(np.array([0, 0.1, 0.3, 1.0])),
    ],
)
def test_sixteen_bits_agree_with_eight(curve: bytes) -> None:
    """With LittleCMS, to which a curve is no less odd."""
    rgb_HW3, icc = colors(2), rgb_profile(curve)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    srgb, intent = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
    expected = ImageCms.profileToProfile(Image.fromarray(rgb_HW3), profile, srgb, intent)
    found_HW3, _ = to_srgb(rgb_HW3.astype(np.uint16) * 257, icc)
    assert np.abs(found_HW3 / 257 - np.asarray(expected)).max() < 1.6


def test_gray_follows_its_curve() -> None:
    levels_HW = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected_HW = encode((levels_HW / 255.0) ** 1.8) * 255
    found_HW, words = to_srgb(levels_HW.copy(), gray_profile(gamma_curve(1.8)))
    assert words == []
    assert np.abs(found_HW - expected_HW).max() < 1.6
    deep_HW = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected_HW = encode((deep_HW / 65535.0) ** 1.8) * 65535
    found_HW, words = to_srgb(deep_HW.copy(), gray_profile(gamma_curve(1.796875)))
    assert words == []
    assert np.abs(found_HW - expected_HW).max() < 65535 * 0.003


def test_gray_with_a_profile_of_colors() -> None:
    levels_HW = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected_HW = from_adobe(np.repeat(levels_HW[..., None], 3, axis=2) / 255.0)[..., 1] * 255
    found_HW, words = to_srgb(levels_HW.copy(), ADOBE)
    assert words == []
    assert np.abs(found_HW - expected_HW).max() < 1.6
    deep_HW, words = to_srgb(levels_HW.astype(np.uint16) * 257, ADOBE)
    assert np.abs(deep_HW / 257 - expected_HW).max() < 1.6
    assert words == ["its color profile was followed with 8 bits a channel"]


def test_inks_follow_their_table() -> None:
    inks_HW4 = np.zeros((4, 5, 4), np.uint8)
    inks_HW4[:, 1:, 0] = 255  # cyan, which this profile prints black
    found_HW3, words = to_srgb(inks_HW4, ink_profile())
    assert words == []
    assert (found_HW3[:, 0] > 250).all()
    assert (found_HW3[:, 1:] < 5).all()
    plain_HW3, words = to_srgb(inks_HW4, b"")
    assert words == []
    assert plain_HW3[0, 1].tolist() == [0, 255, 255]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_srgb_s_own_profile_changes_nothing(dtype: type) -> None:
    rgb_HW3 = colors(3).astype(dtype)
    found_HW3, words = to_srgb(rgb_HW3.copy(), srgb_profile())
    assert words == []
    np.testing.assert_array_equal(found_HW3, rgb_HW3)


@pytest.mark.parametrize(
    ("icc", "said"),
    [
        (b"nonsense", "is damaged"),
        (ADOBE[:200], "is damaged"),
        (gray_profile(gamma_curve(2.2)), "is one of GRAY, which the pixels are not"),
        (ink_profile(), "is one of CMYK, which the pixels are not"),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_cannot_be_followed_is_said(icc: bytes, said: str, dtype: type) -> None:
    rgb_HW3 = colors(4).astype(dtype)
    found_HW3, words = to_srgb(rgb_HW3.copy(), icc)
    assert words == [f"its color profile {said}; its pixels were taken as sRGB"]
    np.testing.assert_array_equal(found_HW3, rgb_HW3)


def test_the_profile_of_results_is_always_the_same() -> None:
    """The library writes the time into it."""
    assert srgb_profile()[24:36] == b"\x07\xe4\0\1\0\1" + bytes(6)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
