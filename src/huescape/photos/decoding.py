"""Decode photos of the formats in `formats` to RGB of 8 bits a channel.

As an Image by Pillow alone; as an array, where Pillow reads the header and `jpeg` decodes what is
plain, to the same pixels.

Shape suffixes: H rows and W columns of the photo.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.photos import jpeg
from huescape.photos.colors import check_pixels, to_rgb
from huescape.photos.errors import MAX_PIXELS, decoder_errors
from huescape.photos.formats import open_image

_ORIENTATION = 0x0112
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def oriented_size(data: bytes, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) in pixels as seen, after the EXIF orientation, without decoding (but TIFF).

    Raises PhotoError as `open_photo` does.
    """
    with decoder_errors(data, max_pixels):
        image = open_image(data)
        if image.format == "TIFF":  # Pillow turns these itself, size and pixels at different times
            image.load()
        width, height = image.size
        return (height, width) if _orientation(image) >= 5 else (width, height)


def open_photo(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a photo fully: mode RGB, 8 bits a channel, EXIF orientation applied, first frame.

    16-bit levels are rounded to 8 bits (Pillow itself drops the low byte of 16-bit RGB), alpha and
    transparent palettes are composited on white, CMYK is converted without a profile.

    Raises:
        PhotoError: `undecodable` (not an image, truncated, damaged), `unsupported` (a format that
            is not read, or pixels without a defined color) or `too_large` (more than `max_pixels`:
            memory would be at risk).
    """
    with decoder_errors(data, max_pixels):
        image = open_image(data)
        check_pixels(image, data)
        image.load()
        orientation = _orientation(image)
        rgb = to_rgb(image, data)
    if orientation in _TRANSPOSED:
        return rgb.transpose(_TRANSPOSED[orientation])
    return rgb


def decode_photo(data: bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """The pixels of `open_photo` as RGBA uint8 (H, W, 4), C-contiguous; A is 255.

    Faster than `open_photo` for JPEG, and with four bytes a pixel, for that is how decoders give
    them and how `fit` takes them.
    Raises PhotoError as `open_photo` does.
    """
    rgba_HW4 = None
    with decoder_errors(data, max_pixels):
        image = open_image(data)
        if jpeg.is_plain(image) and _orientation(image) not in _TRANSPOSED:
            rgba_HW4 = jpeg.decode(data, image.size)
    if rgba_HW4 is None:
        return np.asarray(open_photo(data, max_pixels).convert("RGBA"))
    return rgba_HW4


def _orientation(image: Image.Image) -> int:
    """1..8; a damaged EXIF block counts as none, for the pixels may well be sound."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
