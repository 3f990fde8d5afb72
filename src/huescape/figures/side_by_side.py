"""The same photos colored by many systems, side by side, as one or more grids of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.figures import grid

Picture = npt.NDArray[np.uint8]

_COLUMNS = 6  # more would be too small to judge on a page
_OWN = ("Truth", "Gray")
# In characters: what fits over a column of 192 pixels at the size of the titles.
_TITLE = 22
# CIE 1931 luminance of linear sRGB, as in IEC 61966-2-1.
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def draw(
    folder: Path,
    ids: Sequence[str],
    truth: Sequence[Picture],
    columns: Sequence[tuple[str, Sequence[Picture]]],
) -> list[tuple[Path, tuple[str, ...]]]:
    """Draw the grids into `folder`; returns each PNG with the titles of its systems.

    Args:
        ids: the name of each photo.
        truth: the true photo (H, W, 3), sRGB, one for each of `ids`.
        columns: the title of a system, and what it made of each photo.

    Every grid begins with the truth and its gray version; the systems are spread evenly.
    """
    drawn = []
    for number, part in enumerate(_parts(columns), start=1):
        path = folder / f"side-by-side-{number}.png"
        rows = [
            (name, [true, gray(true), *(pictures[k] for _, pictures in part)])
            for k, (name, true) in enumerate(zip(ids, truth, strict=True))
        ]
        titles = tuple(title for title, _ in part)
        grid.draw(path, (*_OWN, *(wrapped(title) for title in titles)), rows)
        drawn.append((path, titles))
    return drawn


def gray(picture_HW3: Picture) -> Picture:
    """The gray of the same lightness L* (so of the same luminance), sRGB, uint8."""
    encoded = picture_HW3.astype(np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    y = linear @ _LUMINANCE
    shown = np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)
    levels = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=-1)


def wrapped(title: str) -> str:
    """A long title on two lines, broken after a separator; what is still too long is cut."""
    if len(title) <= _TITLE:
        return title
    breaks = [k + 1 for k in range(_TITLE) if title[k] in "_-. "]
    at = breaks[-1] if breaks else _TITLE
    first, second = title[:at], title[at:]
    return f"{first}\n{second if len(second) <= _TITLE else second[: _TITLE - 1] + '…'}"


def _parts(columns: Sequence[Any]) -> list[Sequence[Any]]:
    """The columns in as few parts as can be, each of nearly the same number."""
    count = -(-len(columns) // (_COLUMNS - len(_OWN)))
    edges = [round(k * len(columns) / count) for k in range(count + 1)] if count else [0]
    return [columns[a:b] for a, b in pairwise(edges)]
