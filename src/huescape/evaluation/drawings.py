"""The figures of an evaluation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from huescape.evaluation.extremes import Extreme
from huescape.evaluation.loop import Evaluation
from huescape.figures import confidence, curves, distribution, grid, hue
from huescape.metrics.hue import LEAST_CHROMA
from huescape.metrics.names import BASELINES, TRUTH
from huescape.metrics.pictures import Picture
from huescape.metrics.totals import Scores

# As many as a person compares at once.
_SURE = 4


def draw(
    folder: Path, system: str, result: Evaluation, record: dict[str, Any], decodes: Collection[str]
) -> None:
    """Draw into `folder`: `curves.png`, `hue.png`; of a classifier `distribution.png` and, of a few
    photos, `confidence.png`; where photos are shown `grid.png`, and `best.png` and `worst.png`.
    """
    headline = record["decode"]
    _curves(folder / "curves.png", system, result, headline)
    hue.draw(folder / "hue.png", record["hue"], LEAST_CHROMA)
    if result.bins:
        found = record["distribution"]
        reliability = {"as it is": found["reliability"]}
        if found["reliability_fitted"]:
            label = f"at the fitted temperature, {found['temperature']:g}"
            reliability[label] = found["reliability_fitted"]
        distribution.draw(folder / "distribution.png", reliability, result.bins)
    if result.confidence:
        _confidence(folder / "confidence.png", result, headline)
    if result.examples:
        _grid(folder / "grid.png", result, [*decodes])
    for name, extremes in (("best", result.extremes.best), ("worst", result.extremes.worst)):
        if extremes:
            _extremes(folder / f"{name}.png", extremes, headline)


def _curves(path: Path, system: str, result: Evaluation, headline: str) -> None:
    """All pixels alike, and the mean over the bins of the macro score.

    The ground truth, 1 everywhere, is left out.
    """
    labels = {headline: f"{system}, {headline}"}
    labels |= {name: shown.label for name, shown in BASELINES.items() if name != TRUTH}
    scores = {name: result.totals[name].scores() for name in labels}
    bins = result.totals[headline].coverage()["macro_bins"]
    curves.draw(
        path,
        {
            "All pixels": {
                _scored(label, scores[name], "auc"): result.totals[name].curve()
                for name, label in labels.items()
            },
            f"Mean over the {bins} bins of true color": {
                _scored(label, scores[name], "auc_macro"): result.totals[name].macro_curve()
                for name, label in labels.items()
            },
        },
    )


def _scored(label: str, scores: Scores, key: str) -> str:
    value = scores[key]
    return label if value is None else f"{label} ({value:.3f})"


def _grid(path: Path, result: Evaluation, names: Sequence[str]) -> None:
    keys = (TRUTH, "gray", *names)
    rows: list[tuple[str, Sequence[Picture]]] = [
        (photo, [pictures[key] for key in keys]) for photo, pictures in result.examples.items()
    ]
    grid.draw(path, ("Truth", "Gray", *names), rows)


def _confidence(path: Path, result: Evaluation, headline: str) -> None:
    rows = []
    for photo, sure in [*result.confidence.items()][:_SURE]:
        pictures = result.examples[photo]
        planes = sure.top_hw, sure.ratio_hw
        rows.append(confidence.Row(photo, pictures[TRUTH], pictures[headline], *planes))
    confidence.draw(path, rows)


def _extremes(path: Path, extremes: Sequence[Extreme], headline: str) -> None:
    rows: list[tuple[str, Sequence[Picture]]] = [
        (f"AuC {one.score:.3f}\n{one.photo}", [one.pictures[name] for name in (TRUTH, headline)])
        for one in extremes
    ]
    grid.draw(path, ("Truth", "Colored"), rows, width=150, across=4)
