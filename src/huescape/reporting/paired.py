"""Predictions of the same photos side by side: each score, and its difference from the first one.

Intervals are over photos, by the paired bootstrap (`metrics.bootstrap`): every row sees the same
draws. What is trained stays as it is: other seeds are not in them (`reporting.intervals`).

Shape suffixes: N photos, R resamplings, Q scoring bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics import bootstrap
from huescape.metrics.auc import ratio
from huescape.metrics.names import BASELINES, TRUTH
from huescape.metrics.scores import METRICS
from huescape.reporting.inputs import Evaluated

FloatArray = npt.NDArray[np.floating[Any]]

#: What is said of each prediction, by its name in an evaluation: a label, and decimals.
SCORES = {
    "auc_photo_mean": ("AuC, mean over photos", 4),
    "auc": ("AuC, all pixels alike", 4),
    "auc_macro": ("Macro AuC", 4),
    "colorfulness": ("Colorfulness, mean over photos", 2),
    "colorfulness_share": ("Colorfulness, as a share of the truth's", 3),
    "psnr_photo_mean": ("PSNR in dB, mean over photos", 2),
    "bits_per_pixel": ("Bits per pixel", 3),
    "calibration_error": ("Calibration error at the fitted temperature", 4),
}
_OF_BINS = ("bits_per_pixel", "calibration_error")


@dataclass(frozen=True)
class Prediction:
    """A system by one of its decodings, or a baseline of its photos, as one row."""

    label: str
    name: str
    source: Evaluated


@dataclass(frozen=True)
class Interval:
    """A value, and its 95 % interval over photos; None of a single photo."""

    value: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Line:
    """One score of one prediction; `difference` is from the first prediction.

    None where the two cannot be compared: the first itself, a score that one of them has not, bits
    of other bins.
    """

    label: str
    score: str
    own: Interval
    difference: Interval | None


def chosen(ids: Sequence[str], photos: Sequence[str], not_photos: Sequence[str]) -> list[bool]:
    """Whether a photo is among those that are looked at, by patterns in which `*` is any text.

    All are where `photos` is empty. Raises HuescapeError for a pattern that no photo matches, and
    when none is left.
    """
    for pattern in (*photos, *not_photos):
        if not any(fnmatchcase(photo, pattern) for photo in ids):
            raise HuescapeError(f"{pattern!r}: matches none of {len(ids)} photos, as {ids[0]!r}")
    found = [
        (not photos or any(fnmatchcase(photo, one) for one in photos))
        and not any(fnmatchcase(photo, one) for one in not_photos)
        for photo in ids
    ]
    if not any(found):
        raise HuescapeError(f"no photo is left of {len(ids)}; name fewer to leave out")
    return found


def limited(
    found: Sequence[Evaluated], photos: Sequence[str], not_photos: Sequence[str]
) -> list[Evaluated]:
    """The evaluations on the chosen photos alone; macro bins are those of the first one's rules.

    Raises HuescapeError where they are not the same photos, pixel by pixel, and as `chosen`.
    """
    rules = found[0].scores["settings"]
    limits = []
    for one in found:
        own_N = np.array(chosen(one.photos.ids_N.tolist(), photos, not_photos))
        sums = one.photos.of_photos(own_N, rules["macro_pixels"], rules["macro_photos"])
        bits = None if one.distribution is None else one.distribution.of_photos(own_N)
        limits.append(replace(one, photos=sums, distribution=bits))
    for one in limits[1:]:
        if not one.photos.shows(limits[0].photos):
            counts = f"{len(one.photos.ids_N)} and {len(limits[0].photos.ids_N)} chosen"
            raise HuescapeError(
                f"{one.name} was evaluated on other photos than {found[0].name} ({counts}); only "
                "the same photos at the same size can be compared"
            )
    return limits


def predictions(found: Sequence[tuple[Evaluated, str]]) -> list[Prediction]:
    """Each system by the decoding that is named, or by all of them, the headline's first.

    After them come the baselines of the first evaluation's photos. A regression, which has nothing
    to decode, has one row. Raises HuescapeError for a decoding that was not evaluated.
    """
    rows = []
    for one, decoding in found:
        headline, others = one.scores["decode"], list(one.scores["decodes"])
        if decoding and decoding not in others:
            allowed = ", ".join(others)
            raise HuescapeError(f"{one.name}@{decoding}: no such decoding; evaluated: {allowed}")
        if one.scores["head"] == "chroma":
            rows.append(Prediction(one.name, headline, one))
            continue
        names = [decoding] if decoding else sorted(others, key=lambda name: name != headline)
        rows += [Prediction(f"{one.name}@{name}", name, one) for name in names]
    first = found[0][0]
    rows += [Prediction(name, name, first) for name in BASELINES]
    return list({row.label: row for row in rows}.values())


def compared(rows: Sequence[Prediction]) -> list[Line]:
    """Every score of every prediction, those of one score together, with their intervals."""
    first, *others = drawn = _drawn(rows)
    return [
        Line(
            row.label,
            score,
            _interval(one.once[score], one.values_R[score]),
            _difference(score, one, first) if one in others and score in first.once else None,
        )
        for score in SCORES
        for row, one in zip(rows, drawn, strict=True)
        if score in one.once
    ]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The scores of a prediction that are defined: on the photos, and on their resamplings.

    `centers_Q2` are the bins that its bits are of; None without any.
    """

    once: dict[str, float]
    values_R: dict[str, FloatArray]
    centers_Q2: FloatArray | None


def _drawn(rows: Sequence[Prediction]) -> list[_Drawn]:
    count = len(rows[0].source.photos.ids_N)
    once = _scores(rows, np.ones((1, count)))
    blocks = [_scores(rows, times_RN) for times_RN in bootstrap.draws(count)] if count > 1 else []
    found = []
    for k, row in enumerate(rows):
        known = {key: float(one[0]) for key, one in once[k].items() if math.isfinite(one[0])}
        values_R = {
            key: np.concatenate([block[k][key] for block in blocks]) if blocks else np.zeros(0)
            for key in known
        }
        bins = None if row.source.distribution is None else row.source.distribution.centers_Q2
        found.append(_Drawn(known, values_R, bins))
    return found


def _scores(rows: Sequence[Prediction], times_RN: FloatArray) -> list[dict[str, FloatArray]]:
    """The scores of each prediction, (R,), of photos that are taken `times_RN` times each."""
    pixels_RQ = rows[0].source.photos.pixel_sums(times_RN)
    found = []
    for row in rows:
        photos, distribution = row.source.photos, row.source.distribution
        sums = photos.sums(row.name, times_RN, pixels_RQ)
        scores = {metric.key: metric.of_sums(sums) for metric in METRICS}
        known = {key: values_R for key, values_R in scores.items() if values_R is not None}
        known |= {key: _mean(one_N, times_RN) for key, one_N in photos.each(row.name).items()}
        if row.name not in BASELINES and distribution is not None:
            known |= distribution.scores(times_RN)
        found.append(known)
    truth = [row.name for row in rows].index(TRUTH)
    true_R = found[truth]["colorfulness"]
    for one in found:
        one["colorfulness_share"] = ratio(one["colorfulness"], true_R)
    return found


def _mean(values_N: FloatArray, times_RN: FloatArray) -> FloatArray:
    """Over the photos that have a value."""
    known_N = np.isfinite(values_N)
    return ratio(times_RN @ np.where(known_N, values_N, 0), times_RN @ known_N)


def _difference(score: str, one: _Drawn, first: _Drawn) -> Interval | None:
    if score in _OF_BINS and not _same(one.centers_Q2, first.centers_Q2):
        return None
    values_R = one.values_R[score] - first.values_R[score]
    return _interval(one.once[score] - first.once[score], values_R)


def _same(one: FloatArray | None, other: FloatArray | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


def _interval(value: float, values_R: FloatArray) -> Interval:
    if not np.isfinite(values_R).any():
        return Interval(value, None, None)
    return Interval(value, *bootstrap.interval(values_R))
