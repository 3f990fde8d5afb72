"""What `dvc plots` and Snakemake's report show: every system as lines of one table, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from huescape.base.tables import write_table
from huescape.figures import curves
from huescape.metrics.names import BASELINES, TRUTH
from huescape.reporting.charts import auc_panel
from huescape.reporting.inputs import SystemResult

_DIGITS = 6
#: A long history is thinned out to about as many points.
_MOST_POINTS = 500


def write_plots(folder: Path, results: Sequence[SystemResult]) -> None:
    """Write `auc.csv` (system, threshold, share), `learning.csv` (system, step, loss), `auc.png`.

    The baselines are further systems, of the first one's photos; what was not trained here has no
    learning curve.
    """
    write_table(folder / "auc.csv", _shares(results), _DIGITS)
    write_table(folder / "learning.csv", _losses(results), _DIGITS)
    panel, end = auc_panel(results)
    curves.draw(folder / "auc.png", {"All pixels": panel}, len(results), end, width=9)


def _shares(results: Sequence[SystemResult]) -> pd.DataFrame:
    first = results[0].curves
    named = {result.name: result.curves["system"] for result in results}
    named |= {label.label: first[name] for name, label in BASELINES.items() if name != TRUTH}
    parts = [
        pd.DataFrame({"system": name, "threshold": first["threshold"].astype(int), "share": share})
        for name, share in named.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _losses(results: Sequence[SystemResult]) -> pd.DataFrame:
    parts = [pd.DataFrame({"system": [], "step": [], "loss": []})]
    for result in results:
        history = result.history[["step", "loss"]].dropna()
        thinned = history.iloc[:: -(-len(history) // _MOST_POINTS) or 1]
        parts.append(thinned.astype({"step": int}).assign(system=result.name))
    return pd.concat([part for part in parts if len(part)] or parts)[["system", "step", "loss"]]
