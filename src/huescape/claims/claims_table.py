"""The checked claims in words: numbers with their digits and signs, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huescape.claims.lines import Line
from huescape.metrics.scores import METRICS
from huescape.reporting.groups import Group
from huescape.reporting.wording import NONE, signed, thousands

_METRICS = {metric.key: metric for metric in METRICS}
_STYLES = {"supported": "yes", "contradicted": "no"}


@dataclass(frozen=True)
class ClaimRow:
    """A comparison in words; `interval` and `adjusted` are "" where there is none.

    `adjusted` is the corrected p-value, `style` a CSS class.
    """

    pair: str
    score: str
    expected: str
    means: str
    difference: str
    interval: str
    basis: str
    adjusted: str
    size: str
    verdict: str
    style: str
    note: str


def basis_of(groups: Sequence[Group]) -> str:
    """What the comparisons rest on: the test photos, the seeds and the steps of this run."""
    photos = sorted({thousands(group.members[0].scores["photos"]) for group in groups})
    seeds = sorted({len(group.seeds) for group in groups})
    steps = sorted({int(group.members[0].model["steps"]) for group in groups})
    return (
        f"{' or '.join(photos)} test photos; {_range(seeds)} "
        f"{'seed' if seeds == [1] else 'seeds'} a system; {_range(steps)} training steps"
    )


def row(line: Line) -> ClaimRow:
    """One comparison, ready to be shown."""
    metric, seen = _METRICS[line.score], line.seen
    digits = metric.digits + 1
    means = difference = basis = NONE
    interval = ""
    if seen is not None:
        means = f"{seen.first:.{digits}f} against {seen.second:.{digits}f}"
        difference, basis = signed(seen.value, digits), seen.basis
        if seen.low is not None and seen.high is not None:
            interval = f"{signed(seen.low, digits)} to {signed(seen.high, digits)}"
    return ClaimRow(
        pair=_pair(line.first, line.second),
        score=metric.label,
        expected="higher" if line.expected > 0 else "lower",
        means=means,
        difference=difference,
        interval=interval,
        basis=basis,
        adjusted="" if line.adjusted is None else _probability(line.adjusted),
        size=line.size,
        verdict=line.verdict,
        style=_STYLES.get(line.verdict, "open"),
        note=line.note,
    )


def _range(values: Sequence[int]) -> str:
    low, high = thousands(values[0]), thousands(values[-1])
    return low if low == high else f"{low} to {high}"


def _pair(first: str, second: str) -> str:
    """Both labels; one system by two decodings is named once."""
    (one, comma, heat), (two, _, other) = (s.rpartition(", ") for s in (first, second))
    if comma and one == two:
        return f"{one}: {heat} against {other}"
    return f"{first} against {second}"


def _probability(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
