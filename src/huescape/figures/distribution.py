"""A classifier's distributions: how often it is right by how sure it is, and which bins it sees.

Shape suffixes: Q bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from huescape.figures.canvas import plot

Rows = Sequence[Mapping[str, Any]]
_TRUE, _BEFORE, _AFTER = "#8a8f94", "#d55e00", "#0072b2"


def draw(
    path: Path,
    reliability: Mapping[str, Rows],
    shares: Mapping[str, npt.NDArray[np.floating[Any]]],
) -> None:
    """Draw the reliability curves and the histogram of bins (PNG).

    Args:
        reliability: rows of `accuracy`, `confidence` and `count`, by label.
        shares: (Q,) shares of all positions: `true`, `likeliest` and `mean`.
    """
    with plot(path, 12, 4.6) as figure:
        left, right = figure.subplots(1, 2)
        _reliability(left, reliability)
        _histogram(right, shares)


def _reliability(axis: Axes, curves: Mapping[str, Rows]) -> None:
    axis.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--", label="calibrated")
    for (label, rows), color in zip(curves.items(), (_BEFORE, _AFTER), strict=False):
        known = [row for row in rows if row["count"]]
        total = sum(row["count"] for row in known) or 1
        places = [row["confidence"] for row in known]
        sizes = [8 + 300 * row["count"] / total for row in known]
        axis.plot(places, [row["accuracy"] for row in known], color=color, label=label)
        axis.scatter(places, [row["accuracy"] for row in known], sizes, color=color, alpha=0.6)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="Probability of the likeliest bin")
    axis.set_ylabel("How often it is the true bin")
    axis.set_title("Reliability (area: share of positions)")
    axis.grid(color="#dddddd", linewidth=0.8)
    axis.legend(loc="upper left")


def _histogram(axis: Axes, shares: Mapping[str, npt.NDArray[np.floating[Any]]]) -> None:
    """The true bins by falling frequency, and what is predicted of each; empty ones are below."""
    true_Q = shares["true"]
    order_Q = np.argsort(-true_Q, kind="stable")
    place_Q = np.arange(1, len(true_Q) + 1)
    positive = np.concatenate([share_Q[share_Q > 0] for share_Q in shares.values()])
    least = max(float(positive.min(initial=1)), 1e-6)
    styles: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("true", "true", {"color": "#222222", "linewidth": 2}),
        ("mean", "mean distribution", {"color": _AFTER, "linewidth": 1.2}),
        (
            "likeliest",
            "likeliest bin (lowest: never)",
            {"color": _BEFORE, "linewidth": 0, "marker": "."},
        ),
    )
    for key, label, style in styles:
        share_Q = np.maximum(shares[key][order_Q], least / 2)
        axis.plot(place_Q, share_Q, label=label, **style)
    axis.set(yscale="log", xlabel="Bins, by how often they are the true one")
    axis.set_ylabel("Share of the positions")
    axis.set_title("Predicted and true bins")
    axis.grid(color="#dddddd", linewidth=0.8)
    axis.legend(loc="lower left")
