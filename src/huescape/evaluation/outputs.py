"""The files of an evaluation: scores as JSON, tables as CSV, curves and a grid of pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huescape.base import atomic, digests
from huescape.base.arrays import write_arrays
from huescape.base.tables import NUMBER, TEXT, WHOLE, frame, write_table
from huescape.evaluation import drawings
from huescape.evaluation.loop import Evaluation
from huescape.evaluation.temperatures import TEMPERATURES
from huescape.metrics import hue
from huescape.metrics.auc import Table
from huescape.metrics.hue_sums import HueSums
from huescape.metrics.names import BASELINES, FEW_PIXELS, TRUTH
from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import HEADLINE, METRICS
from huescape.params.reports import EvaluateParams

_DIGITS = 6  # fewer than float32 sums can spoil, more than anyone compares
_PHOTO_SCORES = tuple(column for metric in METRICS for column in metric.photo_columns)


def record(result: Evaluation, params: EvaluateParams) -> dict[str, Any]:
    """Everything that is scored: the headline decoding, then every decoding and the baselines.

    Scores that are infinite or undefined are None.
    """
    headline = result.totals[params.decode.name]
    names = params.every_decode
    return {
        **_rounded({**headline.coverage(), **headline.scores()}),
        **_distribution(result.distribution),
        "hue": _hue(result.totals[params.decode.name].hues.array()),
        "decode": params.decode.name,
        "decodes": {name: _rounded(result.totals[name].scores()) for name in names},
        "baselines": {name: _rounded(result.totals[name].scores()) for name in BASELINES},
        "warnings": _warnings(headline.coverage(), params),
        "settings": params.model_dump(mode="json"),
    }


def write(
    folder: Path,
    record: dict[str, Any],
    system: str,
    result: Evaluation,
    params: EvaluateParams,
    scores: Path,
) -> None:
    """Write the headline scores into the file `scores`, and everything else into `folder`.

    The folder has all scores (`scores.json`, and as a table `scores.csv`), the per-photo table,
    what each photo adds to the scores (`photo_sums.npz`, `hue_sums.npz`, and of a classifier
    `distribution_sums.npz`), its histograms of bins (`bins.csv`), curves, figures and pictures, a
    few of them at several temperatures (`temperatures.npz`), all or nothing. Its SHA256SUMS lists
    `scores` too, the file beside it.
    """
    atomic.write_json(scores, {key: record[key] for key in HEADLINE})
    with atomic.fresh_directory(folder) as fresh:
        atomic.write_json(fresh / "scores.json", record)
        write_table(fresh / "scores.csv", _score_table(record), _DIGITS)
        write_table(fresh / "photos.csv", _photo_table(result, params), _DIGITS)
        write_arrays(fresh / "photo_sums.npz", **asdict(_photo_sums(result, params)))
        if result.distribution_sums:
            write_arrays(fresh / "distribution_sums.npz", **asdict(result.distribution_sums))
        write_arrays(fresh / "hue_sums.npz", **asdict(_hue_sums(result, params)))
        if result.bins:
            write_table(fresh / "bins.csv", pd.DataFrame(result.bins).rename_axis("bin"), _DIGITS)
        write_table(fresh / "curves.csv", _curve_table(result, params), _DIGITS)
        drawings.draw(fresh, system, result, record, params.every_decode)
        if result.examples:
            _write_pictures(fresh / "pictures.npz", result, params)
        if result.annealed:
            _write_temperatures(fresh / "temperatures.npz", result)
        digests.seal(fresh, scores)


def _distribution(found: dict[str, Any] | None) -> dict[str, Any]:
    """Bits and calibration, with the two that stand for them; None for a regression."""
    if found is None:
        return {"distribution": None, "bits_per_pixel": None, "calibration_error": None}
    numbers = _rounded(found)
    for key in ("reliability", "reliability_fitted"):
        numbers[key] = found[key] and [_rounded(row) for row in found[key]]
    return {
        "distribution": numbers,
        "bits_per_pixel": numbers["bits"],
        "calibration_error": numbers["ece_fitted"],
    }


def _hue(table_NSK: Table) -> list[dict[str, Any]]:
    """Shifts by sector of true hue, over all photos."""
    found = zip(hue.NAMES, hue.shifts(table_NSK.sum(axis=0)), strict=True)
    return [{"name": name, **_rounded(asdict(shift))} for name, shift in found]


def _rounded(scores: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, _DIGITS) if isinstance(value, float) else value
        for key, value in scores.items()
    }


def _warnings(coverage: dict[str, int | float], params: EvaluateParams) -> list[dict[str, str]]:
    """What a reader must know: the key of a score, and what is to be said of it."""
    effective, pixels = coverage["effective_pixels"], coverage["pixels"]
    found = []
    if params.split == "val":
        text = (
            "is over validation photos (`evaluate.split`), as are all scores: they choose a "
            "decoding, and the temperature that is said to be fitted is fitted on them"
        )
        found.append({"score": "auc", "text": text})
    if effective < FEW_PIXELS:
        text = (
            f"rests on {effective:,.0f} effective pixels out of {pixels:,}, below {FEW_PIXELS:,}: "
            "a few rare pixels decide it; compare systems by the macro AuC"
        )
        found.append({"score": "auc_rebalanced", "text": text})
    if coverage["unweighted_pixels"]:
        text = (
            f"leaves out {coverage['unweighted_pixels']:,} of {pixels:,} pixels, whose colors the "
            "training photos never show"
        )
        found.append({"score": "auc_rebalanced", "text": text})
    if not coverage["macro_bins"]:
        text = (
            f"is undefined: no bin has {params.macro_pixels:,} test pixels from "
            f"{params.macro_photos} photos"
        )
        found.append({"score": "auc_macro", "text": text})
    return found


def _score_table(record: dict[str, Any]) -> pd.DataFrame:
    """A row for each decoding and baseline, a column for each score."""
    rows = record["decodes"] | record["baselines"]
    columns = sorted({key for scores in rows.values() for key in scores})
    table = [[name, *(scores[key] for key in columns)] for name, scores in rows.items()]
    return frame(table, {"prediction": TEXT, **dict.fromkeys(columns, NUMBER)})


def _photo_table(result: Evaluation, params: EvaluateParams) -> pd.DataFrame:
    """A row for each photo by the headline's decoding, and by each baseline.

    An empty field is infinite or undefined.
    """
    names = [params.decode.name, *BASELINES]
    order_N = [k for _, k in sorted((photo, k) for k, photo in enumerate(result.ids))]
    types = {"pixels": WHOLE, "lightness": NUMBER} | dict.fromkeys(_PHOTO_SCORES, NUMBER)
    columns: dict[str, Any] = {
        "id": [result.ids[k] for k in order_N for _ in names],
        "prediction": names * len(order_N),
    }
    for column, kind in types.items():  # as arrays: cells as objects would take ten times the room
        rows = [np.array(result.totals[name].photos.column(column))[order_N] for name in names]
        values = np.stack(rows, axis=1).reshape(-1)
        columns[column] = pd.Series(np.where(np.isfinite(values), values, np.nan), dtype=kind)
    return pd.DataFrame(columns).astype({"id": TEXT, "prediction": TEXT})


def _photo_sums(result: Evaluation, params: EvaluateParams) -> PhotoSums:
    parts = {name: totals.parts for name, totals in result.totals.items()}
    headline = result.totals[params.decode.name]
    macro_B = headline.auc.macro_bins(params.macro_pixels, params.macro_photos)
    return PhotoSums.of(result.ids, parts, headline.rules.weight_Q, macro_B)


def _hue_sums(result: Evaluation, params: EvaluateParams) -> HueSums:
    return HueSums(np.array(result.ids), result.totals[params.decode.name].hues.array())


def _curve_table(result: Evaluation, params: EvaluateParams) -> pd.DataFrame:
    """The share of pixels within each threshold: one column for the system and each baseline."""
    names = {"system": params.decode.name} | {name: name for name in BASELINES}
    curves = {column: result.totals[name].curve() for column, name in names.items()}
    return pd.DataFrame(curves).rename_axis("threshold").reset_index()


def _write_pictures(path: Path, result: Evaluation, params: EvaluateParams) -> None:
    """The example photos as they are and as the system colors them, for pictures side by side."""
    arrays: dict[str, Any] = {"ids": np.array(list(result.examples))}
    for k, pictures in enumerate(result.examples.values()):
        arrays[f"truth_{k}"] = pictures[TRUTH]
        arrays[f"rgb_{k}"] = pictures[params.decode.name]
    write_arrays(path, **arrays)


def _write_temperatures(path: Path, result: Evaluation) -> None:
    """The first example photos of a classifier, in their order: `rgb_<k>` is (T, H, W, 3)."""
    ids = [photo for photo in result.examples if photo in result.annealed]
    pictures = {f"rgb_{k}": result.annealed[photo] for k, photo in enumerate(ids)}
    write_arrays(path, ids=np.array(ids), temperatures=np.array(TEMPERATURES), **pictures)
