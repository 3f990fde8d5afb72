"""The priors of two sets of photos in the same bins, side by side.

Shape suffixes: Q bins, G x G pixels of a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from huescape.figures.canvas import plot
from huescape.figures.prior import Extent, label_plane, territories

FloatArray = npt.NDArray[np.floating[Any]]

_COLORS = ("#1b6ca8", "#c8553d")
# A bin that one of the two never has is drawn as that much rarer.
_MOST_DOUBLINGS = 8.0


def draw(
    path: Path,
    bins: Mapping[str, Any],
    shares: Mapping[str, FloatArray],
    space: str,
) -> None:
    """Draw both priors, how many times as frequent each bin is in one, and both by rank (PNG).

    Args:
        bins: as `figures.prior.draw` takes them.
        shares: (Q,) the share of pixels of each bin, sum 1, of the two sets by their names.
        space: `lab` or `yuv`.
    """
    extent, index_GG = territories(bins)
    (one, first_Q), (other, second_Q) = shares.items()
    positive = np.concatenate([first_Q[first_Q > 0], second_Q[second_Q > 0]])
    norm = LogNorm(float(positive.min()), float(positive.max()) * 1.001)
    with plot(path, 12, 9.5) as figure:
        axes = figure.subplots(2, 2)
        for axis, (name, share_Q) in zip(axes[0], shares.items(), strict=True):
            shown_GG = _on_map(np.where(share_Q > 0, share_Q, np.nan), index_GG)
            _panel(figure, axis, shown_GG, extent, norm, "share of pixels (log scale)", "viridis")
            axis.set_title(f"{name} ({int((share_Q == 0).sum())} of {len(share_Q)} bins empty)")
        limit = Normalize(-_MOST_DOUBLINGS, _MOST_DOUBLINGS)
        ratio_GG = _on_map(_doublings(first_Q, second_Q), index_GG)
        label = "doublings (log2 of the ratio of shares)"
        _panel(figure, axes[1, 0], ratio_GG, extent, limit, label, "PuOr")
        axes[1, 0].set_title(f"Brown: more in {other}; violet: more in {one}")
        for axis in axes.flat[:3]:
            label_plane(axis, space)
        _ranks(axes[1, 1], shares)


def _doublings(first_Q: FloatArray, second_Q: FloatArray) -> FloatArray:
    """log2(first / second), within the limits; NaN where neither has the bin."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found_Q = np.log2(first_Q) - np.log2(second_Q)
    return np.asarray(np.clip(found_Q, -_MOST_DOUBLINGS, _MOST_DOUBLINGS))


def _on_map(values_Q: FloatArray, index_GG: npt.NDArray[np.intp]) -> FloatArray:
    return np.where(index_GG >= 0, values_Q[index_GG], np.nan)


def _panel(
    figure: Figure,
    axis: Axes,
    values_GG: FloatArray,
    extent: Extent,
    norm: Normalize,
    label: str,
    colors: str,
) -> None:
    image = axis.imshow(
        *(values_GG,),
        extent=extent,
        origin="lower",
        interpolation="nearest",
        norm=norm,
        cmap=colors,
    )
    figure.colorbar(image, ax=axis, label=label, shrink=0.85)


def _ranks(axis: Axes, shares: Mapping[str, FloatArray]) -> None:
    """Each prior from its most frequent bin down."""
    for color, (name, share_Q) in zip(_COLORS, shares.items(), strict=True):
        falling = np.sort(share_Q[share_Q > 0])[::-1]
        axis.plot(np.arange(1, len(falling) + 1), falling, color=color, label=name)
    axis.set(yscale="log", xlabel="rank of the bin", ylabel="share of pixels")
    axis.set_title("From the most frequent bin down")
    axis.legend()
