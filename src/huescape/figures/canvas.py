"""What the plots share: one style, and files whose bytes depend on nothing but the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from huescape.base.atomic import replace_file

_STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is on every machine
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "figure.facecolor": "white",
    "legend.frameon": False,
}


@contextmanager
def plot(target: Path | BinaryIO, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure of `width` x `height` inches; on leaving, write it as PNG, 120 dpi.

    A person's own matplotlib settings are ignored, and no metadata is written.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        with replace_file(target) if isinstance(target, Path) else nullcontext(target) as out:
            figure.savefig(out, format="png", dpi=120, metadata={"Software": None})
