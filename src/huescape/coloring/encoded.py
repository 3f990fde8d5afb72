"""Results as files: pixels and what goes with them, encoded in one of the formats of `kinds`.

Shape suffixes: H rows and W columns.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.coloring.kinds import LONGEST
from huescape.coloring.metadata import Metadata
from huescape.coloring.profiles import srgb_profile
from huescape.coloring.sixteen_bits import swap_colors
from huescape.coloring.splicing import Pieces, into_jpeg, into_png, into_tiff
from huescape.coloring.tags import ORIENTATION, without

Pixels = npt.NDArray[Any]

_QUALITY = 95
_DEFLATE, _DIFFERENCES, _ROWS = 8, 2, 64


def encoded(
    kind: str,
    rgb_HW3: Pixels,
    alpha_HW: Pixels | None,
    kept: Metadata,
    is_lossless: bool = False,
) -> tuple[Pieces, list[str]]:
    """A file in pieces, tagged sRGB, and words on what it could not take.

    Args:
        kind: one of `kinds`; JPEG and WebP of quality 95, colors at full resolution.
        rgb_HW3: uint8, for PNG and TIFF also uint16; it is spoiled.
        alpha_HW: of the same dtype; not of a JPEG.
        is_lossless: for WebP.
    Raises:
        HuescapeError: a side is too long for the format. MemoryError.
    """
    longest = max(rgb_HW3.shape[:2])
    if longest > LONGEST.get(kind, longest):
        raise HuescapeError(
            f"a side of {longest:,} pixels does not fit into {kind}; "
            f"allowed: {LONGEST[kind]:,}, or --format png"
        )
    icc = srgb_profile()
    if kind in ("WEBP", "AVIF"):
        return [_by_pillow(kind, rgb_HW3, alpha_HW, kept, is_lossless)], []
    pixels_HWC = rgb_HW3 if alpha_HW is None else np.dstack([rgb_HW3, alpha_HW])
    data = _by_opencv(kind, pixels_HWC)
    if kind == "JPEG":
        return into_jpeg(data, kept, icc)
    if kind == "PNG":
        return into_png(data, kept, icc), []
    return into_tiff(data, kept, icc, alpha_HW is not None), []


def _by_pillow(
    kind: str, rgb_HW3: Pixels, alpha_HW: Pixels | None, kept: Metadata, is_lossless: bool
) -> bytes:
    image = Image.fromarray(rgb_HW3)
    if alpha_HW is not None:
        image.putalpha(Image.fromarray(alpha_HW))
    options: dict[str, Any] = {"exif": kept.exif, "xmp": kept.xmp, "icc_profile": srgb_profile()}
    if kind == "AVIF":  # else Pillow writes the block again, and loses what it does not know
        options["exif"] = without(kept.exif, ORIENTATION)
    if kind == "WEBP":
        # `exact`: colors that are transparent are not thrown away.
        options |= {"lossless": is_lossless, "exact": is_lossless}
    else:
        options |= {"subsampling": "4:4:4"}
    stream = io.BytesIO()
    image.save(stream, kind, quality=_QUALITY, **options)
    return stream.getvalue()


def _by_opencv(kind: str, pixels_HWC: Pixels) -> memoryview:
    import cv2

    swap_colors(pixels_HWC)
    try:
        is_done, data = cv2.imencode(*_how(kind, pixels_HWC))
    except cv2.error as error:
        if "memory" in str(error).lower():
            raise MemoryError(str(error)) from error
        is_done, data = False, np.empty(0, np.uint8)
    if not is_done:
        height, width = pixels_HWC.shape[:2]
        raise HuescapeError(f"{width} x {height} pixels could not be encoded as {kind}")
    return memoryview(np.ascontiguousarray(data).reshape(-1).data)


def _how(kind: str, pixels_HWC: Pixels) -> tuple[str, Pixels, Sequence[int]]:
    """The arguments of OpenCV's encoder."""
    import cv2

    if kind == "PNG":
        return ".png", pixels_HWC, []
    if kind == "JPEG":
        full = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
        return ".jpg", pixels_HWC, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, *full]
    packed = (cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE, cv2.IMWRITE_TIFF_PREDICTOR, _DIFFERENCES)
    return ".tiff", pixels_HWC, [*packed, cv2.IMWRITE_TIFF_ROWSPERSTRIP, _ROWS]
