"""Painting: lightness is kept, at any size, in levels of 8 and of 16 bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.spaces import rgb_to_lab, rgb_to_yuv
from huescape.coloring.painting import colorize
from huescape.params.decodings import Decoding
from huescape.systems.system import System
from tests.coloring.systems import make_system, picture


@pytest.mark.parametrize("space", ["lab", "yuv"])
@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (1, 1), (3, 300), (517, 389)])
def test_any_size_keeps_its_lightness(space: str, shape: tuple[int, int]) -> None:
    rgb_HW3 = picture(*shape)
    found_HW3 = colorize(make_system(space), rgb_HW3, size=64)
    assert found_HW3.shape == rgb_HW3.shape
    assert found_HW3.dtype == np.uint8
    convert, unit = (rgb_to_lab, 100) if space == "lab" else (rgb_to_yuv, 1)
    change_HW = convert(found_HW3)[..., 0] - convert(rgb_HW3)[..., 0]
    assert np.abs(change_HW).max() < 0.01 * unit  # rounding to 8 bits


def test_only_the_lightness_is_seen(system: System) -> None:
    """A photo and its gray version (the same luma) get the same colors."""
    levels_HW = picture(40, 40)[..., 0]
    gray_HW3 = np.repeat(levels_HW[..., None], 3, axis=2)
    assert (colorize(system, levels_HW) == colorize(system, gray_HW3)).all()


def test_agrees_with_the_network_step_by_step(system: System) -> None:
    """A photo that need not be shrunk: logits, softmax at T, expectation, join, clip, round."""
    rgb_HW3 = picture(48, 64)
    luma_HW = rgb_to_yuv(rgb_HW3 / 255.0)[..., 0]
    with torch.no_grad():
        input_11HW = torch.tensor(luma_HW - 0.5, dtype=torch.float32)[None, None]
        logits_QHW = system.network.eval()(input_11HW)[0].double().numpy()
    weight_QHW = np.exp(logits_QHW / 0.3 - (logits_QHW / 0.3).max(axis=0))
    u_HW, v_HW = np.einsum("qhw,qc->chw", weight_QHW / weight_QHW.sum(axis=0), system.centers)
    red_HW, blue_HW = luma_HW + v_HW * 0.701 / 0.615, luma_HW + u_HW * 0.886 / 0.436
    green_HW = (luma_HW - 0.299 * red_HW - 0.114 * blue_HW) / 0.587
    expected_HW3 = np.clip(np.stack([red_HW, green_HW, blue_HW], axis=-1), 0, 1) * 255
    found_HW3 = colorize(system, rgb_HW3, Decoding(temperature=0.3), edges=False)
    assert np.abs(found_HW3 - expected_HW3).max() < 0.51


def test_temperature_and_size_matter(system: System) -> None:
    rgb_HW3 = picture(96, 96)
    base = colorize(system, rgb_HW3, Decoding(temperature=1.0), size=96)
    assert (colorize(system, rgb_HW3, Decoding(temperature=0.01), size=96) != base).any()
    sharp = Decoding(temperature=0.01)
    small, whole = (colorize(system, rgb_HW3, sharp, size=size) for size in (32, 96))
    assert (small != whole).any()


def test_strips_leave_no_seams(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = colorize(system, picture(90, 70), size=48)
    monkeypatch.setattr("huescape.coloring.strips.PIXELS", 70 * 7)
    assert (colorize(system, picture(90, 70), size=48) == whole).all()


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4),
    ],
)
def test_other_arrays_are_refused(system: System, photo: np.ndarray) -> None:
    with pytest.raises(HuescapeError, match="allowed: uint8"):
        colorize(system, photo)


def test_a_size_out_of_range(system: System) -> None:
    with pytest.raises(ParamsError, match="--size is 7; allowed: at least 8"):
        colorize(system, picture(8, 8), size=7)


def test_sixteen_bits_are_as_deep_as_they_were(system: System) -> None:
    """As with 8 bits, where all levels are multiples; in between, all levels are used."""
    rgb_HW3 = picture(40, 64)
    deep_HW3 = rgb_HW3.astype(np.uint16) * 257
    found_HW3 = colorize(system, deep_HW3)
    assert found_HW3.dtype == np.uint16
    shallow_HW3 = colorize(system, rgb_HW3).astype(int)
    assert np.abs(found_HW3 / 257 - shallow_HW3).max() < 0.51
    ramp_HW = np.linspace(20_000, 21_000, 64 * 40).reshape(40, 64).astype(np.uint16)
    luma_HW = rgb_to_yuv(colorize(system, ramp_HW) / 65535.0)[..., 0] * 65535
    assert np.abs(luma_HW - ramp_HW).max() < 1


def test_strength_is_the_distance_from_gray(system: System) -> None:
    rgb_HW3 = picture(40, 64)
    luma_HW1 = rgb_to_yuv(rgb_HW3)[..., :1]
    gray_HW3, half_HW3, whole_HW3 = (
        rgb_to_yuv(colorize(system, rgb_HW3, strength=strength)) for strength in (0.0, 0.5, 1.0)
    )
    assert np.abs(gray_HW3[..., 1:]).max() < 0.004
    assert np.abs(half_HW3[..., 1:] - whole_HW3[..., 1:] / 2).max() < 0.008
    assert np.abs(half_HW3[..., :1] - luma_HW1).max() < 0.01
