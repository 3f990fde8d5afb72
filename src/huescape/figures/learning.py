"""The learning curve of one training: the loss as it was recorded, and its running mean."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pandas as pd

from huescape.figures.canvas import plot

_SMOOTH = 20
_MOST_POINTS = 240


def draw(target: Path | BinaryIO, history: pd.DataFrame) -> bool:
    """Draw the columns `step` and `loss` as PNG; False, and no picture, for fewer than two points.

    A long history is drawn as the means of equally long parts. Losses that are NaN are left out.
    """
    recorded = history[["step", "loss"]].dropna().reset_index(drop=True)
    if len(recorded) < 2:
        return False
    parts = recorded.groupby(recorded.index // -(-len(recorded) // _MOST_POINTS))
    raw = pd.DataFrame({"step": parts["step"].last(), "loss": parts["loss"].mean()})
    width = max(1, min(_SMOOTH, len(raw) // 5))
    mean = raw["loss"].rolling(width, center=True, min_periods=1).mean()
    with plot(target, 6, 3.4) as figure:
        axis = figure.subplots()
        axis.plot(raw["step"], raw["loss"], color="#a0a8b0", linewidth=0.9, label="as recorded")
        axis.plot(raw["step"], mean, color="#0072b2", linewidth=2.2, label="running mean")
        axis.set(xlim=(0, raw["step"].iloc[-1]), xlabel="Step", ylabel="Training loss")
        axis.grid(color="#dddddd", linewidth=0.8)
        axis.legend(loc="upper right")
    return True
