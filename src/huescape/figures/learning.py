"""The learning curve of one training: the loss as recorded, its running mean, and validation."""

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
    Each loss of the column `val_loss`, where there is one, is a point of a line of its own.
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
        axis.plot(raw["step"], raw["loss"], color="#a0a8b0", linewidth=0.9, label="training")
        label = "training, running mean"
        axis.plot(raw["step"], mean, color="#0072b2", linewidth=2.2, label=label)
        if len(seen := validated(history)):
            (line,) = axis.plot(seen["step"], seen["val_loss"], "o-", label="validation")
            line.set(color="#d55e00", linewidth=1.8, markersize=5, clip_on=False)
        axis.set(xlim=(0, raw["step"].iloc[-1]), xlabel="Step", ylabel="Loss")
        axis.grid(color="#dddddd", linewidth=0.8)
        axis.legend(loc="upper right")
    return True


def validated(history: pd.DataFrame) -> pd.DataFrame:
    """The columns `step` and `val_loss` where there was a validation; no row where there was none.

    A history from before validations were kept has no such column.
    """
    return history.reindex(columns=["step", "val_loss"]).dropna()
