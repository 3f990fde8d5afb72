"""Decoding any photo to RGB."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from huescape.photos import PhotoError, decode_photo, open_photo, oriented_size

RED, GREEN, WHITE = (200, 30, 20), (20, 180, 40), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(width: int = 40, height: int = 24) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def sixteen_bit_png(levels: np.ndarray) -> bytes:
    """A PNG of 16 bits a channel, gray (H, W) or RGB (H, W, 3), which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        size, check = struct.pack(">I", len(content)), struct.pack(">I", zlib.crc32(kind + content))
        return size + kind + content + check

    height, width = levels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if levels.ndim == 3 else 0, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in levels)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_are_read_exactly(kind: str) -> None:
    opened = open_photo(encoded(noise(), kind))
    assert opened.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(noise()))


def stored_as(image: Image.Image, orientation: int) -> Image.Image:
    """The pixels a camera stores for `image` under an EXIF orientation, by array operations."""
    a = np.asarray(image)
    stored = {
        1: a,
        2: a[:, ::-1],
        3: a[::-1, ::-1],
        4: a[::-1],
        5: a.transpose(1, 0, 2),
        6: np.rot90(a, 1),
        7: np.rot90(a, 2).transpose(1, 0, 2),
        8: np.rot90(a, -1),
    }[orientation]
    return Image.fromarray(np.ascontiguousarray(stored))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_orientation_is_undone(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored_as(noise(), orientation), kind, exif=exif)
    np.testing.assert_array_equal(np.asarray(open_photo(data)), np.asarray(noise()))
    assert oriented_size(data) == (40, 24)


@pytest.mark.parametrize("orientation", [0, 9, 4000])
def test_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert open_photo(encoded(noise(), "PNG", exif=exif)).size == (40, 24)


def test_damaged_exif_does_not_cost_the_photo() -> None:
    data = encoded(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_photo(data).size == (40, 24)


def test_cmyk_jpeg_has_its_colors() -> None:
    flat = Image.new("RGB", (32, 32), RED).convert("CMYK")
    pixels = np.asarray(open_photo(encoded(flat, "JPEG", quality=95))).reshape(-1, 3)
    np.testing.assert_allclose(pixels.mean(0), RED, atol=4)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_gray_modes_become_gray_rgb(mode: str) -> None:
    opened = open_photo(encoded(noise().convert(mode), "PNG"))
    pixels = np.asarray(opened)
    assert opened.mode == "RGB"
    assert (pixels == pixels[..., :1]).all()


def test_sixteen_bit_gray_is_rounded_to_eight() -> None:
    levels = np.arange(65536).reshape(256, 256)
    pixels = np.asarray(open_photo(sixteen_bit_png(levels)))
    expected = np.floor(levels / 257 + 0.5)
    np.testing.assert_array_equal(pixels, np.repeat(expected[..., None], 3, axis=-1))


def test_sixteen_bit_rgb_is_within_a_level() -> None:
    levels = np.random.default_rng(1).integers(0, 65536, (30, 50, 3))
    pixels = np.asarray(open_photo(sixteen_bit_png(levels))).astype(float)
    assert np.abs(pixels - levels / 257).max() <= 1


def test_palette_keeps_its_colors() -> None:
    image = Image.new("P", (10, 10))
    image.putpalette([*RED, *GREEN])
    image.paste(1, (5, 0, 10, 10))
    pixels = np.asarray(open_photo(encoded(image, "PNG")))
    assert tuple(pixels[0, 0]) == RED
    assert tuple(pixels[0, 9]) == GREEN


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_entry_turns_white(kind: str) -> None:
    image = Image.new("P", (10, 10))
    image.putpalette([*RED, *GREEN])
    image.paste(1, (5, 0, 10, 10))
    pixels = np.asarray(open_photo(encoded(image, kind, transparency=1)))
    assert tuple(pixels[0, 0]) == RED
    assert tuple(pixels[0, 9]) == WHITE


def test_alpha_is_composited_on_white() -> None:
    image = Image.new("RGBA", (8, 8), (*RED, 128))
    image.paste((*GREEN, 0), (4, 0, 8, 8))
    pixels = np.asarray(open_photo(encoded(image, "PNG")))
    half = 255 + (np.array(RED) - 255) * 128 / 255
    np.testing.assert_allclose(pixels[0, 0], half, atol=1)
    assert tuple(pixels[0, 7]) == WHITE


def test_animation_gives_its_first_frame() -> None:
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), GREEN)
    data = encoded(first, "WEBP", save_all=True, append_images=[second], lossless=True)
    assert tuple(np.asarray(open_photo(data))[0, 0]) == RED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_truncated_photo_is_undecodable(kind: str, share: float) -> None:
    data = encoded(noise(200, 150), kind)
    with pytest.raises(PhotoError) as caught:
        open_photo(data[: int(len(data) * share)])
    assert caught.value.reason == "undecodable"
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_never_raise_anything_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP"]))
    content = bytearray(encoded(noise(30, 20), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        outcome = open_photo(bytes(content)).mode
    except PhotoError as error:
        outcome = error.reason
    assert outcome in ("RGB", "undecodable", "unsupported", "too_large")


@pytest.mark.parametrize("size", [(12_000, 12_000), (60_000, 60_000)])
def test_decompression_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    """Both over Pillow's warning and over its limit; not a pixel is decoded."""
    small = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    small[16:24] = struct.pack(">II", *size)
    small[29:33] = struct.pack(">I", zlib.crc32(bytes(small[12:29])))
    with pytest.raises(
        PhotoError, match=f"{size[0] * size[1]:,} pixels; the limit is 89,478,485"
    ) as caught:
        open_photo(bytes(small))
    assert caught.value.reason == "too_large"


def test_float_pixels_are_unsupported() -> None:
    floats = Image.fromarray(np.ones((8, 8), np.float32))
    with pytest.raises(PhotoError) as caught:
        open_photo(encoded(floats, "TIFF"))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "GIF", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_pixels_alone_are_those_of_the_image(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noise(), kind, **({} if kind == "GIF" else {"exif": exif}))
    pixels = decode_photo(data)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert (pixels[..., 3] == 255).all()
    np.testing.assert_array_equal(pixels[..., :3], np.asarray(open_photo(data)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pixels_of_a_truncated_photo_are_undecodable(kind: str) -> None:
    data = encoded(noise(200, 150), kind)
    with pytest.raises(PhotoError) as caught:
        decode_photo(data[: len(data) // 2])
    assert caught.value.reason == "undecodable"
