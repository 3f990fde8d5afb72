"""The files of an evaluation: scores as JSON, tables as CSV, curves and a grid of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from huescape.base import atomic, digests
from huescape.base.arrays import write_arrays
from huescape.base.csvtext import csv_text
from huescape.evaluation.loop import Evaluation, temperature_name
from huescape.figures import curves, grid
from huescape.metrics.auc import FEW_PIXELS
from huescape.metrics.baselines import BASELINES
from huescape.metrics.pictures import Picture
from huescape.metrics.scores import METRICS
from huescape.metrics.totals import Scores
from huescape.params.reports import EvaluateParams

_DIGITS = 6  # fewer than float32 sums can spoil, more than anyone compares
_COLUMNS = ("pixels", *(column for metric in METRICS for column in metric.photo_columns))
_LABELS = {
    "grey": "Gray",
    "prior_mean": "Mean color",
    "prior_mode": "Most frequent color",
    "random_photo": "Random photo's colors",
}


def record(result: Evaluation, params: EvaluateParams) -> dict[str, Any]:
    """Everything that is scored: the headline temperature's scores, then the others and baselines.

    Scores that are infinite or undefined are None.
    """
    headline = result.totals[temperature_name(params.temperature)]
    names = [temperature_name(t) for t in sorted(set(params.temperatures), reverse=True)]
    return {
        **_rounded({**headline.coverage(), **headline.scores()}),
        "temperature": params.temperature,
        "temperatures": {name: _rounded(result.totals[name].scores()) for name in names},
        "baselines": {name: _rounded(result.totals[name].scores()) for name in BASELINES},
        "warnings": _warnings(headline.coverage(), params),
    }


def write(
    folder: Path, system: str, result: Evaluation, params: EvaluateParams, scores: Path
) -> None:
    """Write the per-photo table, curves, figures and pictures into `folder`, all or nothing.

    Its SHA256SUMS lists `scores` too, the file beside the folder.
    """
    with atomic.fresh_directory(folder) as fresh:
        atomic.write_text(fresh / "photos.csv", _photo_table(result, params))
        atomic.write_text(fresh / "curves.csv", _curve_table(result, params))
        _draw_curves(fresh / "curves.png", system, result, params)
        if result.examples:
            _draw_grid(fresh / "grid.png", result, params)
            _write_pictures(fresh / "pictures.npz", result, params)
        digests.seal(fresh, scores)


def _rounded(scores: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, _DIGITS) if isinstance(value, float) else value
        for key, value in scores.items()
    }


def _warnings(coverage: dict[str, int | float], params: EvaluateParams) -> list[str]:
    """What a reader of the scores must know."""
    effective, pixels = coverage["effective_pixels"], coverage["pixels"]
    found = []
    if effective < FEW_PIXELS:
        found.append(
            f"auc_rebalanced rests on {effective:,.0f} effective pixels out of {pixels:,}, below "
            f"{FEW_PIXELS:,}: a few rare pixels decide it; compare systems by auc_macro"
        )
    if coverage["unweighted_pixels"]:
        found.append(
            f"auc_rebalanced leaves out {coverage['unweighted_pixels']:,} of {pixels:,} pixels, "
            "whose colors the training photos never show"
        )
    if not coverage["macro_bins"]:
        found.append(
            f"auc_macro is undefined: no bin has {params.macro_pixels:,} test pixels from "
            f"{params.macro_photos} photos"
        )
    return found


def _photo_table(result: Evaluation, params: EvaluateParams) -> str:
    """One row a photo at the headline temperature; an empty field is infinite or undefined."""
    rows = result.totals[temperature_name(params.temperature)].photos
    table = [
        [photo, *(_text(row[column]) for column in _COLUMNS)]
        for photo, row in sorted(zip(result.ids, rows, strict=True), key=lambda pair: pair[0])
    ]
    return csv_text(["id", *_COLUMNS], table)


def _curve_table(result: Evaluation, params: EvaluateParams) -> str:
    """The share of pixels within each threshold: one column for the system and each baseline."""
    names = (temperature_name(params.temperature), *BASELINES)
    columns = [result.totals[name].curve() for name in names]
    table = [
        [str(threshold), *(_text(float(share)) for share in shares)]
        for threshold, shares in enumerate(np.stack(columns, axis=1))
    ]
    return csv_text(["threshold", "system", *BASELINES], table)


def _draw_curves(path: Path, system: str, result: Evaluation, params: EvaluateParams) -> None:
    """All pixels alike, and the mean over the bins of the macro score.

    The ground truth, 1 everywhere, is left out.
    """
    headline = temperature_name(params.temperature)
    labels = {headline: f"{system}, T = {headline}", **_LABELS}
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


def _draw_grid(path: Path, result: Evaluation, params: EvaluateParams) -> None:
    wanted = sorted({*params.temperatures, params.temperature}, reverse=True)
    names = [temperature_name(temperature) for temperature in wanted]
    keys = ("ground_truth", "grey", *names)
    rows: list[tuple[str, Sequence[Picture]]] = [
        (photo, [pictures[key] for key in keys]) for photo, pictures in result.examples.items()
    ]
    grid.draw(path, ("Truth", "Gray", *(f"T = {name}" for name in names)), rows)


def _write_pictures(path: Path, result: Evaluation, params: EvaluateParams) -> None:
    """The example photos as they are and as the system colors them, for pictures side by side."""
    arrays: dict[str, Any] = {"ids": np.array(list(result.examples))}
    for k, pictures in enumerate(result.examples.values()):
        arrays[f"truth_{k}"] = pictures["ground_truth"]
        arrays[f"rgb_{k}"] = pictures[temperature_name(params.temperature)]
    write_arrays(path, **arrays)


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{_DIGITS}f}"
