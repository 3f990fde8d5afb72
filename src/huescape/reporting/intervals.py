"""Means and differences over seeds and photos, with 95 % intervals and p-values.

A difference is subject to two kinds of chance: another training (a seed) and other photos. All
trainings are scored on the same photos, as in radiology all readers see the same cases, and the
analysis is the one used there (Obuchowski & Rockette 1995; Hillis 2007): the variance over seeds,
by the differences of the seeds, plus the variance over photos, by the bootstrap of the mean over
the seeds; Student's t with Satterthwaite's degrees of freedom (1946). What seeds and photos do
together is in both terms, and is not subtracted once (Cameron, Gelbach & Miller 2011 would), so
that an interval is rather too wide. To resample the seeds as well would not do: with three of them
a bootstrap finds two thirds of the variance, and its percentiles leave out the tails of t.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from huescape.metrics import bootstrap
from huescape.metrics.bootstrap import CONFIDENCE

# Of sums and differences of scores.
_ROUNDING = 1e-13

Verdict = Literal[
    "supported", "contradicted", "not decided", "seen once", "not seen (once)", "not compared"
]


@dataclass(frozen=True)
class Estimate:
    """A mean over `count` seeds.

    `half` is half of its 95 % interval over seeds, None with one seed. `low` to `high` is that over
    seeds and test photos (with one seed over photos alone); None where it is unknown.
    """

    mean: float
    half: float | None
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Resampled:
    """A difference on R resamplings of the photos, (R,), and how many photos there are."""

    values_R: npt.NDArray[np.floating[Any]]
    photos: int


@dataclass(frozen=True)
class Difference:
    """The first mean minus the second; `low` to `high` is its interval, None where unknown.

    `first` and `second` are the two means, over the seeds that the difference rests on.
    `seeds_error` and `photos_error` are its standard errors over each. `p` is the two-sided
    p-value of no difference, None with one seed on a side: the interval is then over photos alone.
    It is None, too, for a difference that is the same in all seeds and on all photos, or in all
    seeds where photos are not told apart: without a variance no chance can be told.
    """

    first: float
    second: float
    value: float
    low: float | None
    high: float | None
    seeds_error: float | None
    photos_error: float | None
    p: float | None
    basis: str


@dataclass(frozen=True)
class _Error:
    """A variance, and its degrees of freedom."""

    variance: float
    freedom: float

    def __add__(self, other: _Error) -> _Error:
        parts = [one for one in (self, other) if one.variance > 0]
        variance = math.fsum(one.variance for one in parts)
        squares = math.fsum(one.variance**2 / one.freedom for one in parts)
        # Squares of the smallest numbers are 0.
        return _Error(variance, variance**2 / squares if squares > 0 else self.freedom)


def estimate(values: Collection[float], photos: Resampled | None = None) -> Estimate | None:
    """The mean of the values of some seeds, with its intervals; None of no value.

    `photos` is the same mean on resampled photos; None for a score that has none.
    """
    if not values:
        return None
    count, mean = len(values), math.fsum(values) / len(values)
    seeds = None if count == 1 else _Error(_variance(values) / count, count - 1)
    over = None if photos is None else _over_photos(photos)
    low, high, _ = _interval(mean, seeds, over, photos, CONFIDENCE)
    half = None if seeds is None else _quantile(count - 1) * math.sqrt(seeds.variance)
    return Estimate(mean, half, count, low, high)


def seeds_compared(first: Collection[int], second: Collection[int]) -> tuple[list[int], list[int]]:
    """The seeds of each side that a difference rests on: those in common where they are several."""
    common = sorted(set(first) & set(second))
    return (common, common) if len(common) >= 2 else (sorted(first), sorted(second))


def difference(
    first: Mapping[int, float],
    second: Mapping[int, float],
    photos: Resampled | None = None,
    confidence: float = CONFIDENCE,
) -> Difference | None:
    """The difference of two systems whose scores are given by seed; None where one has none.

    `photos` is the same difference, of the means over `seeds_compared`, on resampled photos; None
    for a score that has none, whose interval is then over seeds alone. `confidence` is the
    interval's.
    """
    one, two = seeds_compared(first.keys(), second.keys())
    if not one or not two:
        return None
    values = [first[seed] for seed in one], [second[seed] for seed in two]
    mean_1, mean_2 = (math.fsum(side) / len(side) for side in values)
    seeds = _over_seeds(*values, paired=one == two)
    over = None if photos is None else _over_photos(photos)
    low, high, p = _interval(mean_1 - mean_2, seeds, over, photos, confidence)
    return Difference(
        mean_1,
        mean_2,
        mean_1 - mean_2,
        low,
        high,
        None if seeds is None else math.sqrt(seeds.variance),
        None if over is None else math.sqrt(over.variance),
        p,
        _basis(one, two, seeds, photos),
    )


def verdict(found: Difference | None, expected: int, p: float | None) -> Verdict:
    """Whether a difference of the expected sign (1 or -1) was found.

    `p` is its p-value, corrected for the other comparisons. "supported" or "contradicted" where it
    is at most 5 %, else "not decided". Without one: "seen once" or "not seen (once)", and
    "not decided" of several seeds that do not vary.
    """
    if found is None:
        return "not compared"
    as_expected = found.value * expected > 0
    if p is None and found.seeds_error is not None:  # several seeds, which do not vary
        return "not decided"
    if p is None:
        return "seen once" if as_expected else "not seen (once)"
    if p > 1 - CONFIDENCE:
        return "not decided"
    return "supported" if as_expected else "contradicted"


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number, in the same order (Holm 1979).

    Whoever calls those at most 5 % a difference is wrong anywhere with a chance of at most 5 %.
    """
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    adjusted, least = [1.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = least
    return adjusted


def _over_seeds(first: list[float], second: list[float], paired: bool) -> _Error | None:
    """Paired, or Welch's; None with one seed on a side."""
    count = min(len(first), len(second))
    if count < 2:
        return None
    if paired:
        deltas = [a - b for a, b in zip(first, second, strict=True)]
        return _Error(_variance(deltas) / count, count - 1)
    one, two = (_Error(_variance(side) / len(side), len(side) - 1) for side in (first, second))
    return one + two


def _over_photos(photos: Resampled) -> _Error:
    return _Error(float(np.nanvar(photos.values_R)), max(photos.photos - 1, 1))


def _interval(
    value: float,
    seeds: _Error | None,
    over: _Error | None,
    photos: Resampled | None,
    confidence: float,
) -> tuple[float | None, float | None, float | None]:
    """Both ends, and p."""
    if seeds is None:
        if photos is None:
            return None, None, None
        return (*bootstrap.interval(photos.values_R, confidence), None)
    both = seeds if over is None else seeds + over
    error = math.sqrt(both.variance)
    half = _quantile(both.freedom, confidence) * error
    if error <= _ROUNDING:  # no variance, and so no chance to tell, but that of equal systems
        return value, value, 1.0 if abs(value) <= _ROUNDING else None
    return value - half, value + half, 2 * float(stdtr(both.freedom, -abs(value) / error))


def _basis(
    first: list[int], second: list[int], seeds: _Error | None, photos: Resampled | None
) -> str:
    paired = first == second
    counts = f"{len(first)} and {len(second)} seeds"
    if seeds is None:
        counts = "one seed" if len(first) == len(second) == 1 else counts
        if photos is None:
            return f"{counts}: no interval"
        return f"{counts}: over {photos.photos:,} photos alone"
    text = f"{len(first)} paired seeds" if paired else f"{counts}, not paired"
    return text if photos is None else f"{text}, {photos.photos:,} photos"


def _variance(values: Collection[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _quantile(freedom: float, confidence: float = CONFIDENCE) -> float:
    """Student's t quantile of a two-sided interval."""
    return float(stdtrit(freedom, (1 + confidence) / 2))
