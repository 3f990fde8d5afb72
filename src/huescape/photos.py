"""One photo: its bytes, decoded and fitted into a square.

Embedded color profiles are ignored: pixels are taken as sRGB, as is usual with these datasets.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from huescape.errors import HuescapeError

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


class PhotoError(HuescapeError):
    """A photo cannot be used; `reason` is `undecodable`, `unsupported` or `missing`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return PhotoError, (self.reason, self.detail)


def read_bytes(path: Path, offset: int | None = None, size: int | None = None) -> bytes:
    """The bytes of a photo: the whole file, or `size` bytes at `offset` of an uncompressed tar.

    Raises PhotoError("missing") if the file cannot be read or ends before the photo does.
    """
    try:
        with path.open("rb") as file:
            if offset is None:
                return file.read()
            file.seek(offset)
            content = file.read(-1 if size is None else size)
    except OSError as error:
        raise PhotoError("missing", f"{path}: {error.strerror or error}") from error
    if size is not None and len(content) != size:
        raise PhotoError("missing", f"{path}: ends before the photo at byte {offset} does")
    return content


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


def fit(image: Image.Image, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Fit an RGB image into a square of `size` pixels: Lanczos, only ever downsampled, centered.

    Returns (rgb, box): uint8 (size, size, 3), zero outside the box; int16 (4,) = top, left,
    height, width of the photo in it.
    """
    width, height = image.size
    scale = min(1.0, size / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    top, left = (size - height) // 2, (size - width) // 2
    rgb = np.zeros((size, size, 3), np.uint8)
    rgb[top : top + height, left : left + width] = np.asarray(image)
    return rgb, np.array([top, left, height, width], np.int16)


@contextmanager
def _decoder_errors() -> Iterator[None]:
    """Turn whatever a decoder raises on bad bytes into a PhotoError; its warnings are not ours."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (PhotoError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PhotoError("unsupported", "too many pixels") from error
    except UnidentifiedImageError as error:
        raise PhotoError("undecodable", "not an image") from error
    except Exception as error:  # decoders raise anything: ValueError, SyntaxError, struct.error
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
