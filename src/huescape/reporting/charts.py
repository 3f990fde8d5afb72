"""The charts that are drawn for the page alone."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import pandas as pd

from huescape.figures import curves, learning
from huescape.metrics.names import BASELINES, TRUTH
from huescape.reporting.inputs import SystemResult
from huescape.reporting.pictures import Picture, drawn


def auc_chart(results: Sequence[SystemResult]) -> tuple[Picture, int]:
    """acc(t) of every system and baseline, and where the axis ends."""
    panel, end = auc_panel(results)
    content = io.BytesIO()
    curves.draw(content, {"All pixels": panel}, systems=len(results), last=end, width=9)
    return drawn(content.getvalue()), end


def auc_panel(results: Sequence[SystemResult]) -> tuple[curves.Curves, int]:
    """The curves by label, systems first, and where an axis may end: all of them are above 99 %."""
    baselines = results[0].curves.drop(columns=["threshold", "system", TRUTH])
    shown = pd.DataFrame({result.name: result.curves["system"] for result in results})
    shown = shown.join(baselines.rename(columns={k: v.label for k, v in BASELINES.items()}))
    high = (shown >= 0.99).all(axis=1).to_numpy()
    last = int(high.argmax()) if high.any() else len(shown) - 1
    end = max(10, math.ceil(last / 10) * 10)
    return {str(label): shown[label].to_numpy() for label in shown}, end


def learning_curve(result: SystemResult) -> Picture | None:
    """The training loss over the steps; None where there are too few."""
    content = io.BytesIO()
    return drawn(content.getvalue()) if learning.draw(content, result.history) else None
