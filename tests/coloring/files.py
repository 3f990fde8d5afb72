"""Photos as bytes, in forms that Pillow cannot write."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image


def encoded(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """A file by Pillow."""
    stream = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(stream, kind, **options)
    return stream.getvalue()


def deep_png(levels: np.ndarray, *chunks: tuple[bytes, bytes], late: bool = False) -> bytes:
    """A PNG of 16 bits a channel: gray (H, W), or (H, W, C) of gray and alpha, RGB, RGBA.

    More `chunks` stand before the pixels, or behind them where `late`.
    """
    depth = levels.shape[2] if levels.ndim == 3 else 1
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[depth]
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 16, kind, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in levels)
    more = b"".join(_chunk(*chunk) for chunk in chunks)
    pixels = _chunk(b"IDAT", zlib.compress(lines))
    body = pixels + more if late else more + pixels
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + body + _chunk(b"IEND", b"")


def deep_tiff(levels: np.ndarray, **options: object) -> bytes:
    """A TIFF of 16 bits a channel, by tifffile."""
    stream = io.BytesIO()
    photometric = "rgb" if levels.ndim == 3 else "minisblack"
    tifffile.imwrite(stream, levels, **{"photometric": photometric, **options})
    return stream.getvalue()


def stored_as(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What a camera stores for `pixels` under an EXIF orientation."""
    stored = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, 1),
        7: np.rot90(pixels, 2).swapaxes(0, 1),
        8: np.rot90(pixels, -1),
    }[orientation]
    return np.ascontiguousarray(stored)


def _chunk(kind: bytes, content: bytes) -> bytes:
    size, check = struct.pack(">I", len(content)), struct.pack(">I", zlib.crc32(kind + content))
    return size + kind + content + check
