"""Decode photos of any format that Pillow knows to RGB of 8 bits a channel.

As an Image by Pillow alone; as an array, where Pillow reads the header and `jpeg` decodes what is
plain, to the same pixels.

Shape suffixes: H rows and W columns of the photo.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from huescape.memory import is_out_of_memory
from huescape.photos import jpeg
from huescape.photos.reading import PhotoError

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
_DIRECT = ("RGB", "L", "1", "P", "CMYK", "YCbCr", "HSV", "RGBX")
_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")


def oriented_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels as seen, after the EXIF orientation, without decoding (but TIFF).

    Raises PhotoError as `open_photo` does.
    """
    with _decoder_errors():
        image = Image.open(io.BytesIO(data))
        if image.format == "TIFF":  # Pillow turns these itself, size and pixels at different times
            image.load()
        width, height = image.size
        return (height, width) if _orientation(image) >= 5 else (width, height)


def open_photo(data: bytes) -> Image.Image:
    """Decode a photo fully: mode RGB, 8 bits a channel, EXIF orientation applied, first frame.

    16-bit levels are rounded to 8 bits (Pillow itself drops the low byte of 16-bit RGB), alpha and
    transparent palettes are composited on white, CMYK is converted without a profile.

    Raises:
        PhotoError: `undecodable` (not an image, truncated, damaged) or `unsupported` (a pixel
            format without a defined color, or so many pixels that memory is at risk).
    """
    with _decoder_errors():
        image = Image.open(io.BytesIO(data))
        image.load()
        orientation = _orientation(image)
        rgb = _to_rgb(image)
    if orientation in _TRANSPOSED:
        return rgb.transpose(_TRANSPOSED[orientation])
    return rgb


def decode_photo(data: bytes) -> npt.NDArray[np.uint8]:
    """The pixels of `open_photo` as RGBA uint8 (H, W, 4), C-contiguous; A is 255.

    Faster than `open_photo` for JPEG, and with four bytes a pixel, for that is how decoders give
    them and how `fit` takes them.
    Raises PhotoError as `open_photo` does.
    """
    rgba_HW4 = None
    with _decoder_errors():
        image = Image.open(io.BytesIO(data))
        if jpeg.is_plain(image) and _orientation(image) not in _TRANSPOSED:
            rgba_HW4 = jpeg.decode(data, image.size)
    return np.asarray(open_photo(data).convert("RGBA")) if rgba_HW4 is None else rgba_HW4


@contextmanager
def _decoder_errors() -> Iterator[None]:
    """Turn whatever a decoder raises on bad bytes into a PhotoError; its warnings are not ours."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except PhotoError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PhotoError("unsupported", "too many pixels") from error
    except UnidentifiedImageError as error:
        raise PhotoError("undecodable", "not an image") from error
    except Exception as error:  # decoders raise anything: ValueError, SyntaxError, struct.error
        if is_out_of_memory(error):  # says nothing about the photo
            raise
        reason = "unsupported" if "not available" in str(error) else "undecodable"
        raise PhotoError(reason, " ".join(str(error).split())) from error


def _orientation(image: Image.Image) -> int:
    """1..8; a damaged EXIF block counts as none, for the pixels may well be sound."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format == "PNG"):
        return _from_sixteen_bits(image)
    if image.mode in _ALPHA or (image.mode in _DIRECT and "transparency" in image.info):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    if image.mode in _DIRECT:
        return image.convert("RGB")
    raise PhotoError("unsupported", f"pixel format {image.mode}")


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """Gray of 16 bits; the level 65535 becomes 255."""
    levels = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8)).convert("RGB")
