"""Accuracy of linear classifiers by depth: of a network's blocks, of others, of gray pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from huescape.figures.canvas import plot

_STYLES = {
    "trained": ("#0072b2", "o", "trained"),
    "pretrained": ("#009e73", "^", "pretrained alone"),
    "random": ("#d55e00", "s", "random weights"),
}
_GRAY = "#555555"


def draw(
    target: Path | BinaryIO, probes: Sequence[Mapping[str, Any]], most_frequent: float
) -> None:
    """Draw the accuracies of `probes` with their intervals over the names of the blocks, as PNG.

    Args:
        probes: `weights` (a key of `_STYLES`, or `gray`), `block`, `depth` and `accuracy` (`value`
            and `interval`, shares of 1) of each.
        most_frequent: the accuracy of who always says the most frequent category.
    """
    blocks = {p["depth"]: p["block"] for p in probes if p["block"]}
    with plot(target, max(6.0, 2.5 + 0.42 * len(blocks)), 4.4) as figure:
        axis = figure.subplots()
        for weights, (color, marker, label) in _STYLES.items():
            own = [p for p in probes if p["weights"] == weights]
            if not own:
                continue
            depths = [p["depth"] for p in own]
            low, high = zip(*(p["accuracy"]["interval"] for p in own), strict=True)
            values = [p["accuracy"]["value"] for p in own]
            axis.fill_between(depths, low, high, color=color, alpha=0.15, linewidth=0)
            axis.plot(depths, values, color=color, marker=marker, markersize=5, label=label)
        gray = next(p["accuracy"] for p in probes if p["weights"] == "gray")
        axis.axhspan(*gray["interval"], color=_GRAY, alpha=0.12, linewidth=0)
        axis.axhline(gray["value"], color=_GRAY, linestyle="--", label="gray pixels")
        axis.axhline(most_frequent, color=_GRAY, linestyle=":", label="most frequent category")
        names = [_short(name) for name in blocks.values()]
        axis.set_xticks([*blocks], names, rotation=60, ha="right", fontsize=9)
        axis.set(xlabel="Block, by depth", ylabel="Accuracy on test photos", ylim=(0, None))
        axis.grid(color="#dddddd", linewidth=0.8, axis="y")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=5, fontsize=9)


def _short(name: str) -> str:
    """The parts of a module's name that tell it from the others."""
    parts = name.split(".")
    return name if len(parts) < 3 else f"{parts[0]} {'.'.join(parts[-2:])}"
