"""The checked claims as rows of tables: numbers with their digits and signs, verdicts in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huescape.claims.claims import Checked, Line, summary
from huescape.reporting.groups import Group
from huescape.reporting.metrics import METRICS
from huescape.reporting.wording import NONE, number, thousands

_METRICS = {metric.key: metric for metric in METRICS}
_STYLES = {
    "reproduced": "yes",
    "contradicted": "no",
    "not decided": "open",
    "seen once": "open",
    "not seen (once)": "open",
    "not compared": "open",
}


@dataclass(frozen=True)
class ClaimRow:
    """A comparison in words; `interval` is "" with one seed, `style` a CSS class."""

    pair: str
    score: str
    expected: str
    means: str
    difference: str
    interval: str
    basis: str
    steps: str
    verdict: str
    style: str
    note: str


@dataclass(frozen=True)
class ClaimTable:
    """A claim with its rows; without one, `missing` says which systems would answer it."""

    number: str
    text: str
    source: str
    rows: tuple[ClaimRow, ...]
    missing: str


@dataclass(frozen=True)
class ClaimPart:
    """All that the page says of the claims: one sentence of counts, what it rests on, tables."""

    summary: str
    basis: str
    tables: tuple[ClaimTable, ...]


def part(found: Sequence[Checked], groups: Sequence[Group]) -> ClaimPart:
    """The checked claims of these groups, ready to be shown."""
    return ClaimPart(summary(found), basis_of(groups), tuple(_table(item) for item in found))


def basis_of(groups: Sequence[Group]) -> str:
    """One sentence on the test photos, the seeds and the steps of this run."""
    photos = {thousands(g.members[0].scores.get("photos")) for g in groups} - {NONE}
    seeds = sorted({len(group.seeds) for group in groups})
    found = (number(group.members[0].model.get("steps")) for group in groups)
    steps = sorted({int(value) for value in found if value is not None})
    parts = [f"{' or '.join(sorted(photos))} test photos"] if photos else []
    if seeds:
        parts.append(f"{_range(seeds)} {'seed' if seeds == [1] else 'seeds'} a system")
    if steps:
        parts.append(f"{_range(steps)} training steps")
    return "; ".join(parts)


def _range(values: Sequence[int]) -> str:
    low, high = thousands(values[0]), thousands(values[-1])
    return low if low == high else f"{low} to {high}"


def _table(item: Checked) -> ClaimTable:
    claim = item.claim
    rows = tuple(_row(line) for line in item.lines)
    return ClaimTable(claim.number, claim.text, claim.source, rows, item.missing)


def _row(line: Line) -> ClaimRow:
    metric, seen = _METRICS[line.score], line.seen
    digits = metric.digits + 1
    means = difference = interval = basis = ""
    if seen is not None:
        means = f"{seen.first:.{digits}f} against {seen.second:.{digits}f}"
        difference, basis = _signed(seen.value, digits), seen.basis
    if seen is not None and seen.low is not None and seen.high is not None:
        interval = f"{_signed(seen.low, digits)} to {_signed(seen.high, digits)}"
    return ClaimRow(
        pair=_pair(line.first, line.second),
        score=metric.label,
        expected="higher" if line.expected > 0 else "lower",
        means=means or NONE,
        difference=difference or NONE,
        interval=interval,
        basis=basis or NONE,
        steps=" and ".join(map(thousands, line.steps)) or NONE,
        verdict=line.verdict,
        style=_STYLES[line.verdict],
        note=line.note,
    )


def _pair(first: str, second: str) -> str:
    """Both labels; one system at two temperatures is named once."""
    (one, comma, heat), (two, _, other) = (s.rpartition(", T = ") for s in (first, second))
    if comma and one == two:
        return f"{one}: T = {heat} against T = {other}"
    return f"{first} against {second}"


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else f"{0:.{digits}f}"
