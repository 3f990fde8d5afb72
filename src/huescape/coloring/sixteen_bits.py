"""Photos of 16 bits a channel, of which Pillow reads gray alone: as they are stored, unturned.

OpenCV decodes PNG and TIFF, tifffile the TIFFs that have a plane for each channel or are large
(BigTIFF). What neither takes is left to Pillow, which reads 8 bits.

Shape suffixes: H rows and W columns, C channels.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.coloring.tags import upright

Levels = npt.NDArray[np.uint16]

_GRAY = ("I;16", "I;16L", "I;16B", "I;16N")
_GRAY_IN_INT = ("PNG", "PPM")  # mode I of these holds 0 to 65535
_WIDTH, _HEIGHT = 256, 257
_BITS, _PHOTOMETRIC, _PLANAR, _EXTRA = 258, 262, 284, 338
_WHITE_IS_ZERO, _RGB = 0, 2
_SEPARATE, _PREMULTIPLIED, _ALPHA = 2, 1, 2
_TIFF = (b"II*\0", b"MM\0*")


def is_gray(image: Image.Image) -> bool:
    """Whether an opened photo has one channel of 16 bits (or 12)."""
    return image.mode in _GRAY or (image.mode == "I" and image.format in _GRAY_IN_INT)


def is_deep(image: Image.Image, data: bytes) -> bool:
    """Whether an opened photo has channels of 16 bits that Pillow takes for 8."""
    if image.format == "PNG":
        return image.mode in ("RGB", "RGBA", "LA") and data[24] == 16
    return image.format == "TIFF" and not is_gray(image) and set(_tag(image, _BITS)) == {16}


def gray(image: Image.Image) -> tuple[Levels, Levels | None]:
    """Levels 0 to 65535 (H, W) of a loaded photo that `is_gray`, and alpha where it has any."""
    levels_HW = np.asarray(image).astype(np.uint16)
    if image.format == "TIFF":
        if _tag(image, _BITS) == (12,):
            levels_HW = ((levels_HW.astype(np.uint32) * 65535 + 2047) // 4095).astype(np.uint16)
        if _tag(image, _PHOTOMETRIC) == (_WHITE_IS_ZERO,):
            levels_HW = 65535 - levels_HW
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return levels_HW, None
    return levels_HW, np.where(levels_HW == transparent, 0, 65535).astype(np.uint16)


def color(image: Image.Image, data: bytes) -> tuple[Levels, Levels | None] | None:
    """RGB (H, W, 3) of an opened photo that `is_deep`, and alpha (H, W) where it has any.

    None for another photo, and where neither decoder takes it.
    """
    is_tiff = image.format == "TIFF"
    if not is_deep(image, data) or (is_tiff and _tag(image, _PHOTOMETRIC) != (_RGB,)):
        return None
    apart = is_tiff and (_tag(image, _PLANAR) == (_SEPARATE,) or not data.startswith(_TIFF))
    levels_HWC = _by_tifffile(data) if apart else _by_opencv(upright(data) if is_tiff else data)
    # Pillow has turned the size of a TIFF already.
    size = (*_tag(image, _HEIGHT), *_tag(image, _WIDTH)) if is_tiff else image.size[::-1]
    if levels_HWC is None or levels_HWC.dtype != np.uint16 or levels_HWC.shape[:2] != size:
        return None
    if levels_HWC.ndim != 3 or levels_HWC.shape[2] not in (3, 4):
        return None
    if levels_HWC.shape[2] == 3:
        return levels_HWC, None
    kind = (_tag(image, _EXTRA) or (0,))[0] if is_tiff else _ALPHA
    rgb_HW3, alpha_HW = np.ascontiguousarray(levels_HWC[..., :3]), levels_HWC[..., 3].copy()
    if kind == _PREMULTIPLIED:
        _divide(rgb_HW3, alpha_HW)
    return rgb_HW3, (alpha_HW if kind in (_PREMULTIPLIED, _ALPHA) else None)


def swap_colors(pixels_HWC: npt.NDArray[Any]) -> None:
    """Turn RGB to BGR, or back, where it lies; a fourth channel stays."""
    for row_WC in pixels_HWC:
        row_WC[:, :3] = row_WC[:, 2::-1].copy()


def _by_opencv(data: bytes) -> Levels | None:
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # else it prints errors
    try:
        found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "memory" in str(error).lower():
            raise MemoryError(str(error)) from error
        return None
    if found is None or found.ndim != 3:
        return None
    swap_colors(found)
    levels_HWC: Levels = found
    return levels_HWC


def _by_tifffile(data: bytes) -> Levels | None:
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page: Any = file.pages[0]
            ends = (a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True))
            if max(ends) > len(data):  # it would fill up with zeros
                return None
            levels = page.asarray()
            is_separate = page.planarconfig == _SEPARATE
    except MemoryError:
        raise
    except Exception:  # it raises anything; Pillow says what is wrong
        return None
    return np.ascontiguousarray(np.moveaxis(levels, 0, -1) if is_separate else levels)


def _divide(rgb_HW3: Levels, alpha_HW: Levels) -> None:
    """Take alpha out of colors that were multiplied by it, where they lie."""
    for row_W3, alpha_W in zip(rgb_HW3, alpha_HW, strict=True):
        whole_W3 = row_W3.astype(np.uint64) * 65535 // np.maximum(alpha_W, 1)[:, None]
        row_W3[:] = np.minimum(whole_W3, 65535)


def _tag(image: Image.Image, number: int) -> tuple[Any, ...]:
    """The values of a tag of a TIFF; empty for one that is missing."""
    value = image.tag_v2.get(number, ())  # type: ignore[attr-defined]
    return value if isinstance(value, tuple) else (value,)
