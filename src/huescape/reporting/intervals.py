"""Means and differences over seeds, with Student's 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtrit

CONFIDENCE = 0.95

Verdict = Literal[
    "reproduced", "contradicted", "not decided", "seen once", "not seen (once)", "not compared"
]


@dataclass(frozen=True)
class Estimate:
    """A mean over `count` seeds; `half` is half of its 95 % interval, None with one seed."""

    mean: float
    half: float | None
    count: int


@dataclass(frozen=True)
class Difference:
    """The first mean minus the second; `low` to `high` is its 95 % interval, None with one seed.

    `first` and `second` are the two means, over the seeds that the difference rests on.
    """

    first: float
    second: float
    value: float
    low: float | None
    high: float | None
    basis: str


def estimate(values: Collection[float]) -> Estimate | None:
    """The mean of the values and half of its t interval (n - 1 degrees of freedom)."""
    if not values:
        return None
    count, mean = len(values), math.fsum(values) / len(values)
    if count == 1:
        return Estimate(mean, None, 1)
    error = math.sqrt(_variance(values) / count)
    return Estimate(mean, _quantile(count - 1) * error, count)


def difference(first: Mapping[int, float], second: Mapping[int, float]) -> Difference | None:
    """The difference of two systems whose scores are given by seed; None where one has none.

    With two or more seeds in common: Student's interval of the paired differences (over those
    seeds alone). Else with two or more on each side: Welch's interval. Else: no interval.
    """
    common = sorted(first.keys() & second.keys())
    if len(common) >= 2:
        return _paired([first[seed] for seed in common], [second[seed] for seed in common])
    one, two = estimate(first.values()), estimate(second.values())
    if one is None or two is None:
        return None
    value = one.mean - two.mean
    if one.half is None or two.half is None:
        counts = f"{one.count} and {two.count} seeds"
        basis = "one seed" if one.count == two.count == 1 else counts
        return Difference(one.mean, two.mean, value, None, None, f"{basis}: no interval")
    half = _welch(first.values(), second.values())
    basis = f"{one.count} and {two.count} seeds, not paired"
    return Difference(one.mean, two.mean, value, value - half, value + half, basis)


def verdict(found: Difference | None, expected: int) -> Verdict:
    """Whether a difference of the expected sign (1 or -1) was found.

    With an interval: "reproduced" or "contradicted" when it lies wholly on one side of 0, else
    "not decided". Without one: "seen once" or "not seen (once)".
    """
    if found is None:
        return "not compared"
    if found.low is None or found.high is None:
        return "seen once" if found.value * expected > 0 else "not seen (once)"
    if found.low <= 0 <= found.high:
        return "not decided"
    return "reproduced" if found.value * expected > 0 else "contradicted"


def _paired(first: list[float], second: list[float]) -> Difference:
    deltas = [a - b for a, b in zip(first, second, strict=True)]
    found = estimate(deltas)
    assert found is not None
    assert found.half is not None
    count = found.count
    return Difference(
        math.fsum(first) / count,
        math.fsum(second) / count,
        found.mean,
        found.mean - found.half,
        found.mean + found.half,
        f"paired over {count} seeds",
    )


def _welch(first: Collection[float], second: Collection[float]) -> float:
    """Half of Welch's interval; the degrees of freedom are those of Welch and Satterthwaite."""
    one, two = _variance(first) / len(first), _variance(second) / len(second)
    if one + two == 0:
        return 0.0
    freedom = (one + two) ** 2 / (one**2 / (len(first) - 1) + two**2 / (len(second) - 1))
    return _quantile(freedom) * math.sqrt(one + two)


def _variance(values: Collection[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _quantile(freedom: float) -> float:
    """Student's t quantile of a two-sided interval."""
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
