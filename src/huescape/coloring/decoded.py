"""The channels of an opened photo as arrays: gray, RGB or CMYK, 8 or 16 bits, and alpha.

Shape suffixes: H rows and W columns of the photo: as stored, but of a TIFF as Pillow turns it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from huescape.coloring import sixteen_bits
from huescape.coloring.strips import strips
from huescape.photos import jpeg
from huescape.photos.colors import scale_transparent_gray, to_rgb

Pixels = npt.NDArray[Any]

_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_GRAY_MODES = ("1", "L", "LA", "La")
_SHALLOW = "it was read with 8 bits a channel, of 16"


def channels(image: Image.Image, data: bytes) -> tuple[Pixels, Pixels | None, list[str]]:
    """Pixels, alpha where there is any, and words on what was lost.

    Pixels are gray (H, W), RGB (H, W, 3) or CMYK (H, W, 4), uint8, the first two also uint16; alpha
    (H, W) is of the same dtype, the highest opaque.

    Raises PhotoError("unsupported") for pixels without a defined color; otherwise what decoders
    raise.
    """
    if jpeg.is_plain(image) and (plain := _plain_jpeg(image, data)) is not None:
        return plain, None, []
    image.load()
    if sixteen_bits.is_gray(image):
        return *sixteen_bits.gray(image), []
    words = [_SHALLOW] if sixteen_bits.is_deep(image, data) else []
    alpha = None
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        scale_transparent_gray(image, data)
        is_gray = image.mode in _GRAY_MODES
        image = image.convert("RGBA")
        alpha = _array(image.getchannel("A"))
        image = image.getchannel("R") if is_gray else image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = to_rgb(image, data)  # or refused
    return _array(image), alpha, words


def _plain_jpeg(image: Image.Image, data: bytes) -> npt.NDArray[np.uint8] | None:
    """As `photos.jpeg` decodes, but three bytes a pixel, or one; None where Pillow has to judge."""
    space = "GRAY" if image.mode == "L" else "RGB"
    try:
        found: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, space, fastdct=False, fastupsample=False, strict=True
        )
    except MemoryError:
        raise
    except Exception:  # ValueError today; whatever it is, Pillow says what is wrong
        return None
    found = found[..., 0] if space == "GRAY" else found
    return found if found.shape[:2] == (image.height, image.width) else None


def _array(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Pillow's pixels, strip by strip: in one piece they would be copied twice."""
    bands = len(image.getbands())
    shape = (image.height, image.width)
    out = np.empty(shape if bands == 1 else (*shape, bands), np.uint8)
    for rows in strips(shape):
        out[rows] = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
    return out
