"""Maps of how sure a classifier is, beside the photos and their colors.

Shape suffixes: h, w rows and columns of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm, Normalize

from huescape.figures.canvas import plot

Picture = npt.NDArray[np.uint8]
Map = npt.NDArray[np.floating[Any]]
# A higher ratio is drawn as this one.
_MOST_TIMES = 10
_HEADS = ("Truth", "Colored", "Probability of the likeliest bin", "How many times the second's")


@dataclass(frozen=True)
class Row:
    """One photo: true, colored, the likeliest bin's probability, and its ratio to the second's."""

    caption: str
    truth: Picture
    colored: Picture
    top_hw: Map
    ratio_hw: Map


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw a row a photo, as PNG; all maps of a column have one scale."""
    scales = (Normalize(0, 1), LogNorm(1, _MOST_TIMES))
    with plot(path, 12, 2.5 * len(rows) + 0.7) as figure:
        axes = figure.subplots(len(rows), len(_HEADS), squeeze=False)
        maps: list[Any] = [None, None]
        for line, row in zip(axes, rows, strict=True):
            for axis, picture in zip(line, (row.truth, row.colored), strict=False):
                axis.imshow(picture)
            for k, plane_hw in enumerate((row.top_hw, np.clip(row.ratio_hw, 1, _MOST_TIMES))):
                height, width = row.truth.shape[:2]
                extent = (0, width, height, 0)
                maps[k] = line[2 + k].imshow(plane_hw, "viridis", scales[k], extent=extent)
            line[0].set_xlabel(row.caption[-44:], fontsize=8, loc="left")
            for axis in line:
                axis.set(xticks=[], yticks=[])
        for axis, head in zip(axes[0], _HEADS, strict=True):
            axis.set_title(head, fontsize=10)
        for k, one in enumerate(maps):
            figure.colorbar(one, ax=axes[:, 2 + k].tolist(), location="bottom", shrink=0.9)
