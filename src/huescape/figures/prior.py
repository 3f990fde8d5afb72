"""The prior of a quantizer in four maps of the chroma plane.

The colors of the bins, how frequent each is, the inverse of that, and the weight that training
gives to it. Frequencies and weights span many powers of ten, so their scales are logarithmic.

Shape suffixes: Q bins, 2 chroma channels, G x G pixels of a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from huescape.color.cells import own_bin
from huescape.color.encoding import nearest_bin
from huescape.color.spaces import Space
from huescape.color.spaces import space as named_space
from huescape.figures.canvas import plot

FloatArray = npt.NDArray[np.floating[Any]]
Extent = tuple[float, float, float, float]

_AXES = {
    "lab": ("a* (green to red)", "b* (blue to yellow)"),
    "yuv": ("U (yellow to blue)", "V (cyan to red)"),
}
_EMPTY = "#d9d9d9"
_MAP = 400
# Smoothing leaves shares of 1e-60 in the far corners; a scale down to there would show nothing.
_LARGEST = 1e9


def draw(
    path: Path,
    bins: Mapping[str, Any],
    empirical: FloatArray,
    smoothed: FloatArray,
    weights: FloatArray,
    space: str,
) -> None:
    """Draw the four maps and write them to `path` (PNG).

    Args:
        bins: `centers`, (Q, 2) chroma; where they are cells, their `borders` and `cells` too.
        empirical, smoothed: (Q,) the prior before and after smoothing; scaled to sum 1.
        weights: (Q,) class weights.
        space: `lab` or `yuv`.
    """
    centers_Q2 = np.asarray(bins["centers"], np.float64)
    extent, index_GG = territories(bins)
    frequency = _share(empirical)
    spread = _share(smoothed)
    with np.errstate(divide="ignore"):
        inverse = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)
    with plot(path, 11, 9) as figure:
        axes = figure.subplots(2, 2)
        colors_Q3 = _bin_colors(centers_Q2, named_space(space))
        _color_panel(axes[0, 0], colors_Q3, index_GG, extent)
        empty = int((frequency == 0).sum())
        panels = (
            (
                axes[0, 1],
                frequency,
                f"Frequency (empirical; {empty} bins empty)",
                "share of pixels",
            ),
            (axes[1, 0], inverse, "Inverse frequency (smoothed)", "1 / share"),
            (axes[1, 1], np.asarray(weights, np.float64), "Weight in training", "weight"),
        )
        for axis, values, title, label in panels:
            _value_panel(figure, axis, values, index_GG, extent, title, label)
        for axis in axes.flat:
            label_plane(axis, space)


def label_plane(axis: Axes, space: str) -> None:
    """Name the axes of a map, and show where gray is."""
    axis.set(xlabel=_AXES[space][0], ylabel=_AXES[space][1], facecolor="white")
    axis.axhline(0, color="#999999", linewidth=0.6, zorder=0)
    axis.axvline(0, color="#999999", linewidth=0.6, zorder=0)


def _share(mass: FloatArray) -> npt.NDArray[np.float64]:
    mass = np.asarray(mass, np.float64)
    return mass / (mass.sum() or 1.0)


def _bin_colors(centers_Q2: FloatArray, space: Space) -> npt.NDArray[np.float64]:
    """A displayable color (Q, 3) of each bin.

    Of ten lightness levels, the one whose clipped color keeps most of the bin's chroma; the middle
    one where several keep it all. At one fixed lightness the blues or the yellows would be gray.
    """
    low, high = space.lightness_range
    levels = low + (high - low) * np.array([0.65, 0.6, 0.7, 0.55, 0.75, 0.5, 0.8, 0.4, 0.9, 0.3])
    best_Q3 = np.zeros((len(centers_Q2), 3))
    error_Q = np.full(len(centers_Q2), np.inf)
    unit = 0.01 * float(np.abs(centers_Q2).max())  # a smaller error cannot be seen
    for level in levels:
        color_Q3 = np.column_stack([np.full(len(centers_Q2), level), centers_Q2])
        rgb_Q3 = space.to_rgb(color_Q3)
        kept_Q2 = space.from_rgb(rgb_Q3)[:, 1:]
        found_Q = np.hypot(*(kept_Q2 - centers_Q2).T)
        better_Q = found_Q < error_Q - unit
        best_Q3[better_Q], error_Q[better_Q] = rgb_Q3[better_Q], found_Q[better_Q]
    return best_Q3


def territories(bins: Mapping[str, Any]) -> tuple[Extent, npt.NDArray[np.intp]]:
    """Extent of a map of `bins` (see `draw`), and the bin of each of its pixels, -1 for none."""
    if "cells" in bins:
        return _kept_cells(bins["borders"], bins["cells"])
    return _territories(np.asarray(bins["centers"], np.float64))


def _kept_cells(
    borders: npt.NDArray[np.float64], cells: npt.NDArray[np.integer[Any]]
) -> tuple[Extent, npt.NDArray[np.intp]]:
    """As `_territories`, where each bin is a cell; with a cell more on every side."""
    last = len(borders[0]) - 1
    ends = []
    for border_C, place_Q in zip(borders, np.divmod(cells, last), strict=True):
        ends.append(float(border_C[max(place_Q.min() - 1, 0)]))
        ends.append(float(border_C[min(place_Q.max() + 2, last)]))
    left, right, bottom, top = ends
    extent = (left, right, bottom, top)
    return extent, own_bin(_map_of(extent), borders, cells)


def _map_of(extent: Extent) -> npt.NDArray[np.float64]:
    """The chroma of each pixel of the map, (G, G, 2)."""
    steps = (np.arange(_MAP) + 0.5) / _MAP
    left, right, bottom, top = extent
    axes = left + steps * (right - left), bottom + steps * (top - bottom)
    return np.stack(np.meshgrid(*axes), axis=-1)


def _territories(
    centers_Q2: npt.NDArray[np.float64],
) -> tuple[Extent, npt.NDArray[np.intp]]:
    """Extent of the map, and which bin each of its pixels belongs to, -1 for none, (G, G).

    A pixel belongs to its nearest bin when it is no farther from it, along either axis, than half
    the usual distance between neighbors: bins of a grid become its squares.
    """
    half_2 = np.array([_spacing(centers_Q2, axis) / 2 for axis in (0, 1)])
    low_2 = centers_Q2.min(axis=0) - 2 * half_2
    high_2 = centers_Q2.max(axis=0) + 2 * half_2
    extent = (float(low_2[0]), float(high_2[0]), float(low_2[1]), float(high_2[1]))
    plane_GG2 = _map_of(extent)
    index_GG = nearest_bin(plane_GG2, centers_Q2).reshape(_MAP, _MAP)
    outside_GG = (np.abs(plane_GG2 - centers_Q2[index_GG]) > half_2 * 1.001).any(axis=-1)
    index_GG[outside_GG] = -1
    return extent, index_GG


def _spacing(centers_Q2: npt.NDArray[np.float64], axis: int) -> float:
    """The usual distance, along an axis, to the nearest bin that lies mainly in its direction."""
    offset_QQ2 = np.abs(centers_Q2[:, None] - centers_Q2)
    along_QQ, across_QQ = offset_QQ2[..., axis], offset_QQ2[..., 1 - axis]
    gaps_QQ = np.where((along_QQ > 0) & (across_QQ <= along_QQ / 2), along_QQ, np.inf)
    nearest_Q = gaps_QQ.min(axis=1)
    found = nearest_Q[np.isfinite(nearest_Q)]
    fallback = float(np.abs(centers_Q2).max()) / 5 or 1.0
    return float(np.median(found)) if len(found) else fallback


def _color_panel(
    axis: Axes,
    colors_Q3: npt.NDArray[np.float64],
    index_GG: npt.NDArray[np.intp],
    extent: Extent,
) -> None:
    picture_GG4 = np.concatenate([colors_Q3[index_GG], (index_GG >= 0)[..., None]], axis=-1)
    axis.imshow(picture_GG4, extent=extent, origin="lower", interpolation="nearest")
    axis.set_title(f"Color of the {len(colors_Q3)} bins")


def _value_panel(
    figure: Figure,
    axis: Axes,
    values_Q: npt.NDArray[np.float64],
    index_GG: npt.NDArray[np.intp],
    extent: Extent,
    title: str,
    label: str,
) -> None:
    """A map of positive values on a log scale; bins with 0 are light gray."""
    values_GG = np.where(index_GG >= 0, values_Q[index_GG], np.nan)
    gray_GG = np.where(values_GG == 0, 1.0, np.nan)
    axis.imshow(
        gray_GG, extent=extent, origin="lower", interpolation="nearest", cmap=_solid(_EMPTY)
    )
    axis.set_title(title)
    positive = values_Q[values_Q > 0]
    if not len(positive):
        return
    low, high = float(positive.min()), float(positive.max())
    beyond = high > _LARGEST > low
    high = _LARGEST if beyond else high
    if low == high:  # a log scale needs a range
        low, high = low / 2, high * 2
    shown_GG = np.where(values_GG > 0, values_GG, np.nan)
    image = axis.imshow(
        shown_GG, extent=extent, origin="lower", interpolation="nearest", norm=LogNorm(low, high)
    )
    extend = "max" if beyond else "neither"
    bar = figure.colorbar(image, ax=axis, label=f"{label} (log scale)", shrink=0.85, extend=extend)
    if high / low < 100:  # powers of ten would label one tick or none
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter("{x:g}")
        bar.ax.yaxis.set_minor_locator(NullLocator())


def _solid(color: str) -> Any:
    return ListedColormap([color])
