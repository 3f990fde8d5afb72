"""The figure of a soak: what must not grow, against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huescape.figures.canvas import plot

Series = Sequence[tuple[float, float]]
#: Of each panel: the axis label, and its series with their labels in the legend.
_PANELS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Memory (resident, MiB)", {"memory_mib": "memory"}),
    ("Count", {"open_files": "open files", "threads": "threads"}),
    ("Age (s)", {"unsent_s": "oldest unsent record"}),
    ("Time of one call (ms)", {"checkpoint_ms": "checkpoint", "record_ms": "record of metrics"}),
)
_TITLES = (
    "Memory",
    "Open files and threads",
    "Tracking in the background",
    "What a step waits for",
)
_COLORS = ("#1f6f8b", "#c8553d")


def draw(path: Path, record: Mapping[str, Series], warm_up: float) -> None:
    """Draw the series of a soak, by name, to `path` (PNG); the warm-up, in seconds, is shaded."""
    with plot(path, 12, 7) as figure:
        axes = figure.subplots(2, 2, sharex=True).ravel()
        for axis, title, (label, names) in zip(axes, _TITLES, _PANELS, strict=True):
            axis.set_title(title)
            axis.set_ylabel(label)
            axis.set_xlabel("Time (min)")
            axis.tick_params(labelbottom=True)
            axis.axvspan(0, warm_up / 60, color="#dddddd", label="warm-up")
            _lines(axis, record, names)


def _lines(axis: Any, record: Mapping[str, Series], names: Mapping[str, str]) -> None:
    calls = all(name.endswith("_ms") for name in names)
    for color, (name, label) in zip(_COLORS, names.items(), strict=False):
        minutes = [at / 60 for at, _ in record[name]]
        values = [value for _, value in record[name]]
        if calls:
            axis.plot(minutes, values, ".", markersize=3, color=color, label=label)
        else:
            axis.plot(minutes, values, linewidth=1.5, color=color, label=label)
    if calls:
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0)
    axis.grid(color="#dddddd", linewidth=0.8)
    # Below the axis: everywhere else something is drawn.
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, markerscale=4)
