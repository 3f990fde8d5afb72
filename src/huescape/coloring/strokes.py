"""Colors that a person points at in a photo: as words, or painted on a picture of its size.

Without torch, so that what is wrong is said before it is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.errors import HuescapeError, ParamsError
from huescape.params.messages import short
from huescape.photos import PhotoError, read_bytes
from huescape.photos.errors import MAX_PIXELS, decoder_errors
from huescape.photos.formats import open_image

_ALLOWED = "allowed: x,y,#rrggbb, as in 320,40,#e08040"
# Cells along the longer side of a mask that become a hint each: more than any network sees.
_CELLS = 512
# Levels between the channels of a pixel that has a color.
_COLORED = 12


class Hint(NamedTuple):
    """The color of a pixel; only its chroma counts, for a photo keeps its lightness.

    Attributes:
        x, y: in pixels of the photo as it is seen, from 0 at the top left.
        color: red, green and blue, 0 to 255.
    """

    x: float
    y: float
    color: tuple[int, int, int]


def parse_hint(text: str, name: str = "--hint") -> Hint:
    """The hint that `x,y,#rrggbb` means, x and y whole numbers.

    Raises ParamsError for anything else; `name` is what a person knows the text by.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3:
        count = "1 part" if len(parts) == 1 else f"{len(parts)} parts"
        raise ParamsError(f"{name} is {short(text)}, which has {count}; {_ALLOWED}")
    for axis, part in zip("xy", parts, strict=False):
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", part):
            raise ParamsError(
                f"{name} is {short(text)}: {axis} is {short(part)}, no whole number; {_ALLOWED}"
            )
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", parts[2]):
        raise ParamsError(f"{name} is {short(text)}: {short(parts[2])} is no color; {_ALLOWED}")
    red, green, blue = bytes.fromhex(parts[2][1:])
    return Hint(int(parts[0]), int(parts[1]), (red, green, blue))


def check_hints(hints: Sequence[Hint], size: tuple[int, int]) -> None:
    """Raise ParamsError for a hint outside a photo of `size` = (rows, columns)."""
    height, width = size
    for x, y, _ in hints:
        if not (0 <= x < width and 0 <= y < height):
            raise ParamsError(
                f"hint at {x:g},{y:g} lies outside the photo of {width} x {height} pixels; "
                f"allowed: x from 0 to {width - 1}, y from 0 to {height - 1}"
            )


def read_mask(path: Path, size: tuple[int, int]) -> list[Hint]:
    """The strokes of a PNG of a photo's `size` = (rows, columns), as hints close to each other.

    Strokes are what is not transparent; without transparency, what has a color: paint on a gray
    copy of the photo.

    Raises HuescapeError, naming the file, where it cannot be read, is no PNG, has another size or
    no stroke.
    """
    try:
        data = read_bytes(path)
        with decoder_errors(data, MAX_PIXELS):
            rgba_HW4 = _rgba(open_image(data), size)
    except PhotoError as error:
        why = error.detail.removeprefix(f"{path}: ") or error.reason
        raise HuescapeError(f"{path}: {why}; allowed: a PNG of the photo's size") from error
    is_stroke_HW = _strokes(rgba_HW4)
    if not is_stroke_HW.any():
        raise HuescapeError(
            f"{path}: shows no stroke; allowed: colored strokes on a transparent ground, or on a "
            "gray copy of the photo"
        )
    return _hints(rgba_HW4[..., :3], is_stroke_HW)


def _rgba(image: Image.Image, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    if image.format != "PNG":  # others may be lossy, and blur a stroke
        raise PhotoError("unsupported", f"is of the format {image.format}")
    if image.size != (size[1], size[0]):
        found, needed = ("{} x {} pixels".format(*one) for one in (image.size, size[::-1]))
        raise PhotoError("unsupported", f"has {found}, and the photo {needed}")
    return np.asarray(image.convert("RGBA"))


def _strokes(rgba_HW4: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    if rgba_HW4[..., 3].min() < 255:
        is_opaque_HW: npt.NDArray[np.bool_] = rgba_HW4[..., 3] >= 128
        return is_opaque_HW
    spread_HW = np.ptp(rgba_HW4[..., :3], axis=-1)
    is_colored_HW: npt.NDArray[np.bool_] = spread_HW >= _COLORED
    return is_colored_HW


def _hints(rgb_HW3: npt.NDArray[np.uint8], is_stroke_HW: npt.NDArray[np.bool_]) -> list[Hint]:
    """One for each cell of a raster that a stroke touches: the mean place and color there."""
    side = -(-max(is_stroke_HW.shape) // _CELLS)
    y_P, x_P = np.nonzero(is_stroke_HW)
    across = -(-is_stroke_HW.shape[1] // side)
    _, cell_P, count_C = np.unique(
        y_P // side * across + x_P // side, return_inverse=True, return_counts=True
    )
    values = [x_P, y_P, *rgb_HW3[y_P, x_P].T]
    means = [np.bincount(cell_P, value_P) / count_C for value_P in values]
    x_C, y_C, *rgb = (mean_C.tolist() for mean_C in means)
    colors = [(round(r), round(g), round(b)) for r, g, b in zip(*rgb, strict=True)]
    return [Hint(x, y, color) for x, y, color in zip(x_C, y_C, colors, strict=True)]
