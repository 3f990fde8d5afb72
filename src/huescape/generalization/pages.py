"""The page of a system on a source that nothing was trained on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from huescape.metrics.scores import METRICS
from huescape.reporting.own_page import Figure, Part, Table, page_of, with_interval

_SIDES = ("system", "gray", "difference")
_FIGURES = {
    "grid.png": (
        "Photos of the source, one a row: the true photo, its gray version, and every decoding.",
        "Truth, gray, and the predictions by each decoding; chosen by a hash.",
    ),
    "curves.png": (
        "The share of pixels over the distance from their true color, of the system and of the "
        "baselines.",
        "The curves behind the AuC, over all pixels and averaged over the bins of true color.",
    ),
}


def generalization_page(entry: str, decode: str, scores: pd.DataFrame, folder: Path) -> str:
    """The scores with their intervals, and the figures of `folder`; `scores` as of `intervals`."""
    metrics = {metric.key: metric for metric in METRICS}
    rows = []
    for row in scores.to_dict("records"):
        metric = metrics[str(row["score"])]
        sides = (
            with_interval(row[side], (row[f"{side}_low"], row[f"{side}_high"]), metric.digits)
            for side in _SIDES
        )
        rows.append((metric.label, *sides))
    caption = "With 95 % intervals over photos; the difference is of the same photos."
    table = Table(caption, ("Score", "System", "Gray", "Difference"), tuple(rows))
    shown = tuple(
        Figure(folder / name, alt, said)
        for name, (alt, said) in _FIGURES.items()
        if (folder / name).is_file()
    )
    part = Part("Scores", f"By decoding {decode}.", tables=(table,), figures=shown)
    lede = "Scores on photos of a source that nothing was trained on, against gray pictures."
    return page_of(f"Generalization: {entry}", lede, [part])
