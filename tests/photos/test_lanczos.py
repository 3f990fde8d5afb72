"""Lanczos resampling: Pillow's bytes, and close to the definition in float64."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from huescape.photos import lanczos_kernels
from huescape.photos.lanczos import resample

PILLOW = int(PIL.__version__.split(".")[0])


def is_down_first(rgba: np.ndarray, width: int, height: int) -> bool:
    """Where the height loses more than twice the pixels that the width loses."""
    before_height, before_width = rgba.shape[:2]
    less_height, less_width = before_height - height, before_width - width
    return less_height > 0 and less_height > 2 * less_width


def by_pillow(rgba: np.ndarray, width: int, height: int) -> np.ndarray:
    """In two steps, for the order depends on the version of Pillow."""
    image = Image.fromarray(np.ascontiguousarray(rgba[..., :3]))
    between = (image.width, height) if is_down_first(rgba, width, height) else (width, image.height)
    image = image.resize(between, Image.Resampling.LANCZOS)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def pixels(width: int, height: int, content: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if content == "noise":
        return rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if content == "extremes":  # black and white: the sums and the clipping go furthest
        return (rng.integers(0, 2, (height, width, 4)) * 255).astype(np.uint8)
    if content == "flat":
        return np.full((height, width, 4), rng.integers(0, 256, 4), np.uint8)
    period = rng.integers(1, 9)
    stripes = (np.arange(height)[:, None] // period + np.arange(width) // period) % 2 * 255
    return np.repeat(stripes[..., None], 4, axis=-1).astype(np.uint8)


SIDE = st.integers(1, 150)
CONTENT = st.sampled_from(["noise", "extremes", "flat", "stripes"])


@settings(max_examples=150)
@given(SIDE, SIDE, SIDE, SIDE, CONTENT, st.integers(0, 2**32))
def test_bytes_are_those_of_pillow(
    width: int, height: int, new_width: int, new_height: int, content: str, seed: int
) -> None:
    """Smaller or larger, in one direction, both or none."""
    rgba = pixels(width, height, content, seed)
    result = resample(rgba, new_width, new_height)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, by_pillow(rgba, new_width, new_height))


@pytest.mark.parametrize(
    ("width", "height"),
    [(400, 267), (1024, 768), (768, 1024), (1601, 1199), (3000, 50), (2, 4000), (257, 256)],
)
@pytest.mark.parametrize("content", ["noise", "extremes"])
def test_bytes_of_photos_are_those_of_pillow(width: int, height: int, content: str) -> None:
    scale = 256 / max(width, height)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    rgba = pixels(width, height, content, 0)
    result = resample(rgba, new_width, new_height)
    np.testing.assert_array_equal(result, by_pillow(rgba, new_width, new_height))


@pytest.mark.skipif(PILLOW < 13, reason="older Pillows go across first, always")
@settings(max_examples=100)
@given(SIDE, SIDE, SIDE, SIDE)
def test_order_of_the_directions_is_that_of_pillow(
    width: int, height: int, new_width: int, new_height: int
) -> None:
    rgba = pixels(width, height, "noise", 2)
    image = Image.fromarray(np.ascontiguousarray(rgba[..., :3]))
    expected = image.resize((new_width, new_height), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(resample(rgba, new_width, new_height), np.asarray(expected))


def test_rows_beside_the_bands() -> None:
    """The rows are turned 32 at a time; every remainder is met, in one direction only."""
    for height in range(1, 70):
        rgba = pixels(45, height, "noise", height)
        np.testing.assert_array_equal(resample(rgba, 20, height), by_pillow(rgba, 20, height))


def weights(before: int, after: int) -> np.ndarray:
    """Rows of the antialiased Lanczos-3 filter, float64 (after, before), from its definition."""
    scale = before / after
    stretch = max(scale, 1.0)
    centers = (np.arange(after)[:, None] + 0.5) * scale
    at = (np.arange(before)[None, :] + 0.5 - centers) / stretch
    found = np.where(np.abs(at) < 3, np.sinc(at) * np.sinc(at / 3), 0)
    return found / found.sum(1, keepdims=True)


@settings(max_examples=60)
@given(SIDE, SIDE, SIDE, CONTENT, st.integers(0, 2**32))
def test_each_direction_is_the_definition_rounded(
    before: int, after: int, other: int, content: str, seed: int
) -> None:
    """Half a level from the float64 sum, and a hundredth for the rounded coefficients."""
    matrix = weights(before, after)
    rgba = pixels(before, other, content, seed)
    across = np.einsum("xw,hwc->hxc", matrix, rgba[..., :3].astype(float)).clip(0, 255)
    assert np.abs(resample(rgba, after, other) - across).max() <= 0.51
    rgba = pixels(other, before, content, seed)
    down = np.einsum("yh,hwc->ywc", matrix, rgba[..., :3].astype(float)).clip(0, 255)
    assert np.abs(resample(rgba, other, after) - down).max() <= 0.51


def coefficients(before: int, after: int) -> list[list[int]]:
    """Pillow's coefficients, with the system's sine, each from its first tap on."""

    def sinc(x: float) -> float:
        return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)

    scale = before / after
    stretch = max(scale, 1.0)
    rows = []
    for o in range(after):
        center = (o + 0.5) * scale
        first = max(int(center - 3 * stretch + 0.5), 0)
        last = min(int(center + 3 * stretch + 0.5), before)
        at = [(x - center + 0.5) * (1 / stretch) for x in range(first, last)]
        real = [sinc(x) * sinc(x / 3) if -3 <= x < 3 else 0.0 for x in at]
        scaled = [value / sum(real) * 2**22 for value in real]
        rows.append([first, *(int(v - 0.5) if v < 0 else int(v + 0.5) for v in scaled)])
    return rows


@pytest.mark.parametrize("after", [1, 2, 3, 32, 171, 192, 255])
def test_coefficients_are_those_of_the_systems_sine(after: int) -> None:
    """To the last of 22 bits, for sizes from everywhere."""
    for before in [1, 2, 3, 100, 256, 257, 333, 400, 500, 512, 640, 800, 1024, 1707, 3000, 4096]:
        first, taps, weight = lanczos_kernels.coefficients(before, after)
        found = [[int(first[o]), *weight[o, : taps[o]].tolist()] for o in range(after)]
        assert found == coefficients(before, after), before
        assert not any(weight[o, taps[o] :].any() for o in range(after))


def test_sums_stay_within_32_bits() -> None:
    """The furthest that bytes can push a sum, at sizes from everywhere."""
    for before, after in [(1, 1), (2, 256), (100, 99), (257, 256), (400, 256), (4000, 256), (9, 2)]:
        _, _, weight = lanczos_kernels.coefficients(before, after)
        furthest = 255 * np.abs(weight.astype(np.int64)).sum(1).max() + 2**21
        assert furthest < 2**31


def test_fourth_byte_is_not_read() -> None:
    rgba = pixels(90, 70, "noise", 3)
    other = rgba.copy()
    other[..., 3] = 255 - other[..., 3]
    for size in [(30, 20), (30, 70), (90, 20), (90, 70)]:
        np.testing.assert_array_equal(resample(rgba, *size), resample(other, *size))


def test_pixels_in_any_order_of_memory() -> None:
    rgba = pixels(90, 70, "noise", 4)
    turned = np.ascontiguousarray(rgba.transpose(1, 0, 2)).transpose(1, 0, 2)
    frozen = rgba.copy()
    frozen.flags.writeable = False
    for other in (turned, np.ascontiguousarray(rgba[::-1])[::-1], frozen):
        np.testing.assert_array_equal(resample(other, 33, 22), resample(rgba, 33, 22))


_BYTES = """
import hashlib
import numba
import numpy as np
from huescape.photos import fit, lanczos, lanczos_kernels

rng = np.random.default_rng(0)
digest = hashlib.sha256()
for height, width in [(97, 131), (400, 90), (70, 300), (33, 20), (64, 257), (257, 64)]:
    noise = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    for pixels in (noise, noise // 128 * 255):
        for array in (*fit(pixels, 64), lanczos.resample(pixels, 101, 45)):
            digest.update(np.ascontiguousarray(array).tobytes())
for before in (1, 2, 3, 100, 257, 333, 640, 1024, 1707, 4000):
    for after in (1, 2, 64, 171, 256):
        for array in lanczos_kernels.coefficients(before, after):
            digest.update(array.tobytes())
print(digest.hexdigest(), numba.config.CPU_NAME, numba.config.CPU_FEATURES)
"""


def test_code_compiled_for_a_plain_processor_writes_the_same_bytes(tmp_path: Path) -> None:
    """Numba compiles for the processor it finds; it can be told to take the plainest."""
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    found = []
    for compiled_for in ({}, plain):
        command = [sys.executable, "-W", "ignore", "-c", _BYTES]
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), **compiled_for}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        found.append(result.stdout.split())
    (native, *_), (generic, *settings_seen) = found
    assert settings_seen == ["generic"]
    assert generic == native


@pytest.mark.parametrize(
    ("wrong", "size", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), (2, 2), r"expected uint8 \(H, W, 4\)"),
        (np.zeros((4, 4, 4), np.float32), (2, 2), "float32"),
        (np.zeros((0, 4, 4), np.uint8), (2, 2), "a side is 0"),
        (np.zeros((4, 4, 4), np.uint8), (0, 2), "a side is 0"),
    ],
)
def test_wrong_input_is_refused(wrong: np.ndarray, size: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resample(wrong, *size)
