"""A grid of pictures: one row a photo, one column a way to color it; or several photos a row.

Drawn with Pillow alone: one pixel of the grid is one pixel of a picture that fits its column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from huescape.base.atomic import replace_file

Picture = npt.NDArray[np.uint8]

_GAP, _GUTTER = 8, 24  # between columns, between photos side by side
_HEAD, _HEAD_LINE = 16, 18
_INK, _FAINT = (34, 34, 34), (110, 110, 110)


@dataclass(frozen=True)
class _Photo:
    """One photo's pictures, fitted, and the lines below them."""

    pictures: list[Image.Image]
    lines: list[str]
    letters: int

    @property
    def caption(self) -> int:
        """Where the lines begin, in pixels below the pictures' top."""
        return max(picture.height for picture in self.pictures)

    @property
    def pitch(self) -> int:
        """From line to line."""
        return self.letters + 5

    @property
    def height(self) -> int:
        return self.caption + 4 + len(self.lines) * self.pitch


def draw(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Picture]]],
    width: int = 192,
    across: int = 1,
    letters: int = 11,
) -> None:
    """Draw the grid and write it to `path` (PNG).

    Args:
        columns: the title of each column; a line break in it makes the head higher.
        rows: of each photo a caption, of one line or more, and one picture (H, W, 3) for each
            column, all of one size; the last columns may be missing.
        width: pixels of a column; pictures are only shrunk, to `width` or to 1.25 `width` high.
        across: the number of photos side by side, each below titles of its own.
        letters: pixels of the captions' letters.
    """
    photos = [
        _Photo([_fitted(picture, width) for picture in row], caption.split("\n"), letters)
        for caption, row in rows
    ]
    lines = [photos[first : first + across] for first in range(0, len(photos), across)]
    heights = [max(photo.height for photo in line) for line in lines]
    head = _HEAD + _HEAD_LINE * max(1 + title.count("\n") for title in columns)
    block = len(columns) * (width + _GAP)
    lefts = [_GAP + k * (block + _GUTTER) for k in range(min(across, max(1, len(photos))))]
    size = (lefts[-1] + block, head + sum(height + _GAP for height in heights))
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for left in lefts:
        for number, title in enumerate(columns):
            pen.text((left + number * (width + _GAP), 9), title, fill=_INK, font=_font(15))
    top = head
    for line, height in zip(lines, heights, strict=True):
        for left, photo in zip(lefts, line, strict=False):  # the last line may be shorter
            _place(sheet, pen, photo, (left, top), width, block - _GAP)
        top += height + _GAP
    with replace_file(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _place(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    photo: _Photo,
    corner: tuple[int, int],
    width: int,
    room: int,
) -> None:
    """Draw a photo's pictures, in columns of `width`, and its lines, none longer than `room`."""
    left, top = corner
    for number, picture in enumerate(photo.pictures):
        sheet.paste(picture, (left + number * (width + _GAP), top))
    font = _font(photo.letters)
    for number, line in enumerate(photo.lines):
        below = top + photo.caption + 3 + number * photo.pitch
        pen.text((left, below), _shortened(pen, line, room, font), fill=_FAINT, font=font)


def _fitted(picture: Picture, width: int) -> Image.Image:
    image = Image.fromarray(picture)
    scale = min(1.0, width / image.width, 1.25 * width / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _shortened(pen: ImageDraw.ImageDraw, text: str, width: int, font: Any) -> str:
    """The text, or its end after an ellipsis: the end of an id is what tells photos apart."""
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength("… " + text, font=font) > width:
        text = text[1:]
    return "… " + text


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
