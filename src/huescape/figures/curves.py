"""The curves behind the AuC: the share of pixels within each distance of their true color."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from huescape.figures.canvas import plot

Curves = Mapping[str, npt.NDArray[np.floating[Any]]]

# The system stands out; the baselines differ by hue and by dash (colors of Okabe & Ito 2008).
_STYLES: tuple[tuple[str, Any], ...] = (
    ("#0072b2", "-"),
    ("#555555", "--"),
    ("#d55e00", "-."),
    ("#009e73", ":"),
    ("#cc79a7", (0, (3, 1, 1, 1))),
    ("#e69f00", (0, (5, 1))),
)


def draw(path: Path, panels: Mapping[str, Curves]) -> None:
    """Draw panels side by side and write them to `path` (PNG).

    Args:
        panels: for each title, curves of shares in [0, 1] at t = 0, 1, 2, ... by label; the first
            curve of a panel is emphasized. A panel whose curves hold NaN says that it is undefined.
    """
    with plot(path, 6 * len(panels), 4.4) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (title, curves) in zip(axes, panels.items(), strict=True):
            axis.set_title(title)
            _panel(axis, curves)


def _panel(axis: Axes, curves: Curves) -> None:
    last = max(len(curve) for curve in curves.values()) - 1
    axis.set(xlim=(0, last), ylim=(0, 1.005), xlabel="Distance t from the true color (Lab a, b)")
    axis.set_ylabel("Share of pixels within t")
    axis.grid(color="#dddddd", linewidth=0.8)
    if any(np.isnan(curve).any() for curve in curves.values()):
        axis.text(0.5, 0.5, "undefined: too few pixels", ha="center", transform=axis.transAxes)
        return
    for number, (label, curve) in enumerate(curves.items()):
        color, dash = _STYLES[number % len(_STYLES)]
        width = 1.5 if number else 2.6
        axis.plot(
            curve, label=label, color=color, linestyle=dash, linewidth=width, zorder=9 - number
        )
    axis.legend(loc="lower right")
