"""The RGB of every pixel format, right or refused: where Pillow's own conversion would be wrong."""

from __future__ import annotations

import numpy as np
from PIL import Image

from huescape.photos.reading import PhotoError

_DIRECT = ("RGB", "L", "1", "P", "CMYK", "YCbCr", "HSV", "RGBX")
_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_SIXTEEN_IN_INT = ("PNG", "PPM")  # mode I of these holds 0 .. 65535
_WORDS = {"F": "floating point", "I": "integers of 32 bits, or with a sign", "LAB": "CIE Lab"}

_BITS, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_INK_SET, _SAMPLE_FORMAT, _SUBSAMPLING, _KIND_OF_PAGE = 332, 339, 530, 254
_WHITE_IS_ZERO, _YCBCR = 0, 6


def check_pixels(image: Image.Image, data: bytes) -> None:
    """Raise PhotoError("unsupported") for pixels that Pillow would read as something else."""
    if image.format == "TIFF":
        _check_tiff(image)
    if image.format == "PNG" and image.mode == "RGB" and "transparency" in image.info:
        _check_png(data)


def to_rgb(image: Image.Image, data: bytes) -> Image.Image:
    """A loaded image in mode RGB: 16 bits rounded to 8, transparency on white.

    `data` are its bytes, for what Pillow does not tell. Raises PhotoError("unsupported") for
    pixels without a defined color.
    """
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format in _SIXTEEN_IN_INT):
        return _from_sixteen_bits(image)
    if image.mode in _ALPHA or (image.mode in _DIRECT and "transparency" in image.info):
        scale_transparent_gray(image, data)
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    if image.mode in _DIRECT:
        return image.convert("RGB")
    raise PhotoError("unsupported", f"pixels of {_WORDS.get(image.mode, f'mode {image.mode}')}")


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """Gray of 16 bits; the level 65535 becomes 255, a transparent level white."""
    levels = np.asarray(image).astype(np.uint32)
    if image.format == "TIFF":
        if _tag(image, _BITS, 16) == 12:
            levels = (levels * 65535 + 2047) // 4095
        if _tag(image, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
            levels = 65535 - levels
    gray = ((levels + 128) // 257).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        gray[levels == transparent] = 255
    return Image.fromarray(gray).convert("RGB")


def _check_tiff(image: Image.Image) -> None:
    if int(_tag(image, _KIND_OF_PAGE, 0)) & 1:
        raise PhotoError("unsupported", "its first page is a thumbnail: a camera's raw file?")
    signed = _tag(image, _SAMPLE_FORMAT, 1) == 2
    if signed and image.mode == "L":
        raise PhotoError("unsupported", "pixels of signed integers")
    if image.mode == "CMYK" and _tag(image, _INK_SET, 1) != 1:
        raise PhotoError("unsupported", "inks other than cyan, magenta, yellow and black")
    if image.mode == "YCbCr" and _tag(image, _COMPRESSION, 1) == 1:
        sampling = tuple(image.tag_v2.get(_SUBSAMPLING, (2, 2)))  # type: ignore[attr-defined]
        if sampling != (1, 1):
            raise PhotoError("unsupported", "uncompressed YCbCr with subsampled color")


def _tag(image: Image.Image, number: int, default: int) -> int:
    """A tag of a TIFF, or its first value; `default` for one that is missing or no number."""
    value = image.tag_v2.get(number, default)  # type: ignore[attr-defined]
    if isinstance(value, tuple):
        value = value[0] if value else default
    return value if isinstance(value, int) else default


def _check_png(data: bytes) -> None:
    if _png_depth(data) == 16:  # Pillow has dropped the low bytes, and compares with them
        raise PhotoError("unsupported", "16 bits a channel with one transparent color")


def scale_transparent_gray(image: Image.Image, data: bytes) -> None:
    """Pillow stretches the levels of 2 and 4 bits to 0 .. 255, but not the transparent one."""
    level = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(level, int):
        image.info["transparency"] = level * 255 // (2 ** _png_depth(data) - 1)


def _png_depth(data: bytes) -> int:
    return data[24]
