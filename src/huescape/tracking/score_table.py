"""All scores of an evaluation in one table, with their 95 % intervals over its photos.

The intervals are those of the page: percentiles of the bootstrap (`metrics.bootstrap`), which draws
the same photos everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from huescape.base.arrays import read_arrays
from huescape.base.errors import HuescapeError
from huescape.metrics import distribution_sums, photo_sums
from huescape.metrics.bootstrap import draws, interval, resampled
from huescape.metrics.distribution_sums import DistributionSums
from huescape.metrics.names import BASELINES
from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import HEADLINE
from huescape.tracking.notices import warn
from huescape.tracking.records import read_object

Row = dict[str, Any]
_DIGITS = 6  # of an evaluation's own table
_OF_BINS = ("bits_per_pixel", "calibration_error")  # of a classifier, whatever decodes it


def score_table(folder: Path) -> list[Row]:
    """A row for each score of each decoding and baseline of the evaluation in `folder`.

    Each has a name of its own, `row`: the score by the headline's decoding (these come first), else
    the score and the prediction, so that the rows of other systems are called the same. Then
    `text` (all three numbers), `value`, `low` and `high` (the interval, None where it is unknown),
    `score`, `prediction` and `kind` (`headline`, `decoding` or `baseline`). Raises HuescapeError
    for scores that cannot be read; without sums of photos, or with damaged ones, there are no
    intervals.
    """
    record = read_object(folder / "scores.json")
    headline = str(record.get("decode", ""))
    found = _predictions(record, folder / "scores.json")
    if headline in found:
        of_bins = {key: record[key] for key in _OF_BINS if key in record}
        found[headline] = {**found[headline], **of_bins}
    names = sorted(found, key=lambda name: (name != headline, name in BASELINES))
    ends = _intervals(folder, names, headline)
    return [
        _row(name, headline, score, float(value), ends.get((name, score)))
        for name in names
        for score, value in _in_order(found[name])
        if isinstance(value, int | float)
    ]


def headline_rows(table: Sequence[Row]) -> list[Row]:
    """The rows of the scores that stand for a system, by the decoding of its headline."""
    return [row for row in table if row["kind"] == "headline" and row["score"] in HEADLINE]


def _predictions(record: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """The scores of each decoding and baseline."""
    found: dict[str, dict[str, Any]] = {}
    for key in ("decodes", "baselines"):
        part = record.get(key, {})
        if not isinstance(part, dict) or not all(isinstance(one, dict) for one in part.values()):
            raise HuescapeError(f"{path}: {key} does not hold scores by name")
        found |= part
    return found


def _row(
    name: str, headline: str, score: str, value: float, ends: tuple[float, float] | None
) -> Row:
    kind = "headline" if name == headline else "baseline" if name in BASELINES else "decoding"
    low, high = ends or (None, None)
    text = f"{value:.4g}" if ends is None else f"{value:.4g} ({low:.4g} to {high:.4g})"
    row = score if kind == "headline" else f"{score}, {name}"
    numbers = {"value": value, "low": low, "high": high}
    return {"row": row, "text": text, **numbers, "score": score, "prediction": name, "kind": kind}


def _in_order(scores: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Those that stand for a system first."""
    order = {key: place for place, key in enumerate(HEADLINE)}
    return sorted(scores.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))


def _intervals(
    folder: Path, names: Sequence[str], headline: str
) -> dict[tuple[str, str], tuple[float, float]]:
    """By prediction and score."""
    try:
        drawn = _drawn(folder, names, headline)
    except HuescapeError as error:
        warn(f"scores have no intervals in MLflow: {error}")
        return {}
    ends = {
        key: interval(values_R) for key, values_R in drawn.items() if np.isfinite(values_R).any()
    }
    return {key: (round(low, _DIGITS), round(high, _DIGITS)) for key, (low, high) in ends.items()}


def _drawn(folder: Path, names: Sequence[str], headline: str) -> dict[tuple[str, str], Any]:
    """Each score of each prediction on every resampling of the photos; nothing of one photo."""
    path, of_bins = folder / "photo_sums.npz", folder / "distribution_sums.npz"
    if not path.exists():
        return {}
    photos = PhotoSums(**read_arrays(path, *photo_sums.ARRAYS, stage="evaluate"))
    known = [name for name in names if name in photos.names_P.tolist()]
    count = len(photos.ids_N)
    if count < 2:
        return {}
    drawn = resampled([(photos, name) for name in known])
    found = {
        (name, score): values_R
        for name, own in zip(known, drawn, strict=True)
        for score, values_R in own.items()
    }
    if of_bins.exists():
        arrays = read_arrays(of_bins, *distribution_sums.ARRAYS, stage="evaluate")
        sums = DistributionSums(**arrays)
        blocks = [sums.scores(times_RN) for times_RN in draws(count)]
        for score in blocks[0]:
            found[headline, score] = np.concatenate([block[score] for block in blocks])
    return found
