"""A grid of pictures: one row a photo, one column a way to color it.

Drawn with Pillow alone: one pixel of the grid is one pixel of a picture that fits its column.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from huescape.base.atomic import replace_file

Picture = npt.NDArray[np.uint8]

_GAP, _CAPTION = 8, 20
_HEAD, _HEAD_LINE = 16, 18
_INK, _FAINT = (34, 34, 34), (110, 110, 110)


def draw(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Picture]]],
    width: int = 192,
) -> None:
    """Draw the grid and write it to `path` (PNG).

    Args:
        columns: the title of each column; a line break in it makes the head higher.
        rows: a caption, and one picture (H, W, 3) for each column, all of one size.
        width: pixels of a column; pictures are only shrunk, to `width` or to 1.25 `width` high.
    """
    shown = [(caption, [_fitted(picture, width) for picture in row]) for caption, row in rows]
    heights = [max(picture.height for picture in row) + _CAPTION for _, row in shown]
    head = _HEAD + _HEAD_LINE * max(1 + title.count("\n") for title in columns)
    size = (
        _GAP + len(columns) * (width + _GAP),
        head + sum(height + _GAP for height in heights),
    )
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for number, title in enumerate(columns):
        pen.text((_left(number, width), 9), title, fill=_INK, font=_font(15))
    top = head
    for (caption, row), height in zip(shown, heights, strict=True):
        for number, picture in enumerate(row):
            sheet.paste(picture, (_left(number, width), top))
        text = _shortened(pen, caption, size[0] - 2 * _GAP)
        pen.text((_GAP, top + height - _CAPTION + 3), text, fill=_FAINT, font=_font(11))
        top += height + _GAP
    with replace_file(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _left(column: int, width: int) -> int:
    return _GAP + column * (width + _GAP)


def _fitted(picture: Picture, width: int) -> Image.Image:
    image = Image.fromarray(picture)
    scale = min(1.0, width / image.width, 1.25 * width / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _shortened(pen: ImageDraw.ImageDraw, text: str, width: int) -> str:
    """The text, or its end after an ellipsis: the end of an id is what tells photos apart."""
    if pen.textlength(text, font=_font(11)) <= width:
        return text
    while text and pen.textlength("… " + text, font=_font(11)) > width:
        text = text[1:]
    return "… " + text


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
