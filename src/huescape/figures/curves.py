"""The curves behind the AuC: the share of pixels within each distance of their true color."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from huescape.figures.canvas import plot

Curves = Mapping[str, npt.NDArray[np.floating[Any]]]

# Colors of Okabe & Ito 2008. Systems are solid, baselines thin and dashed, in other colors.
_SYSTEMS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_BASELINES: tuple[tuple[str, Any], ...] = (
    ("#555555", "--"),
    ("#8a6d3b", "-."),
    ("#7f8f2c", ":"),
    ("#a0648c", (0, (3, 1, 1, 1))),
    ("#4a7a78", (0, (6, 2))),
)


def draw(
    target: Path | BinaryIO,
    panels: Mapping[str, Curves],
    systems: int = 1,
    last: int | None = None,
    width: float = 6,
) -> None:
    """Draw panels side by side, as PNG.

    Args:
        panels: for each title, curves of shares in [0, 1] at t = 0, 1, 2, ... by label. A panel
            whose curves hold NaN says that it is undefined.
        systems: how many curves of a panel, from the first, are of systems, and drawn on top.
        last: the last t to show.
        width: of a panel, in inches.
    """
    with plot(target, width * len(panels), 4.4) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (title, curves) in zip(axes, panels.items(), strict=True):
            axis.set_title(title)
            _panel(axis, curves, systems, last)


def _panel(axis: Axes, curves: Curves, systems: int, last: int | None) -> None:
    end = last or max(len(curve) for curve in curves.values()) - 1
    axis.set(xlim=(0, end), ylim=(0, 1.005), xlabel="Distance t from the true color (Lab a, b)")
    axis.set_ylabel("Share of pixels within t")
    axis.grid(color="#dddddd", linewidth=0.8)
    if any(np.isnan(curve).any() for curve in curves.values()):
        axis.text(0.5, 0.5, "undefined: too few pixels", ha="center", transform=axis.transAxes)
        return
    for number, (label, curve) in enumerate(curves.items()):
        color, dash, width = _SYSTEMS[number % len(_SYSTEMS)], "-", 2.6
        if number >= systems:
            (color, dash), width = _BASELINES[(number - systems) % len(_BASELINES)], 1.5
        axis.plot(
            curve, label=label, color=color, linestyle=dash, linewidth=width, zorder=99 - number
        )
    axis.legend(loc="lower right", fontsize="small" if len(curves) > 8 else "medium")
