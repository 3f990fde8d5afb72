"""The published claims, each checked on the systems of this run that can answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huescape.claims.contrasts import Contrast
from huescape.claims.published import CLAIMS, Claim
from huescape.metrics.auc import FEW_PIXELS
from huescape.reporting.groups import Group, distinct
from huescape.reporting.inputs import Json
from huescape.reporting.intervals import Difference, Verdict, difference, verdict
from huescape.reporting.tables import csv_text
from huescape.reporting.wording import number

_COLUMNS = (
    "claim", "text", "source", "score", "expected", "first", "second", "first_mean",
    "second_mean", "difference", "low", "high", "basis", "steps", "verdict", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One score of one pair: what was expected, what was seen, and the verdict."""

    score: str
    expected: int
    first: str
    second: str
    seen: Difference | None
    steps: tuple[int, ...]
    verdict: Verdict
    note: str


@dataclass(frozen=True)
class Checked:
    """A claim with its lines; without a line, `missing` says which systems would answer it."""

    claim: Claim
    lines: tuple[Line, ...]
    missing: str


@dataclass(frozen=True)
class _Side:
    """One side of a comparison: its label, its scores by seed, and on how much they rest."""

    label: str
    scores: Mapping[int, Json]
    effective: float
    steps: int | None


def check(groups: Sequence[Group]) -> list[Checked]:
    """Every claim, with a line for each score of each pair of groups that can answer it."""
    apart = distinct(groups)
    return [_checked(claim, apart) for claim in CLAIMS]


def summary(found: Sequence[Checked]) -> str:
    """One sentence that counts the verdicts."""
    verdicts = [line.verdict for item in found for line in item.lines]
    open_ = sum(1 for item in found if not item.lines)
    order = ("reproduced", "contradicted", "not decided", "seen once", "not seen (once)")
    counts = [f"{verdicts.count(name)} {name}" for name in order if name in verdicts]
    text = f"{len(verdicts)} comparisons: {', '.join(counts)}. " if counts else ""
    return text + f"{len(found) - open_} of {len(found)} claims could be compared in this run."


def as_csv(found: Sequence[Checked]) -> str:
    """The claims as a table: one row a comparison, one for a claim that was not compared."""
    rows = []
    for item in found:
        start = [item.claim.number, item.claim.text, item.claim.source]
        rows += [[*start, *_fields(line)] for line in item.lines]
        if not item.lines:
            rows.append([*start, *[""] * 11, "not compared", item.missing])
    return csv_text(_COLUMNS, rows)


def _fields(line: Line) -> list[object]:
    seen = line.seen
    numbers = (
        [seen.first, seen.second, seen.value, seen.low, seen.high, seen.basis]
        if seen
        else [None] * 5 + [""]
    )
    expected = "higher" if line.expected > 0 else "lower"
    head = [line.score, expected, line.first, line.second]
    return [*head, *numbers, " ".join(map(str, line.steps)), line.verdict, line.note]


def _checked(claim: Claim, groups: Sequence[Group]) -> Checked:
    sides = _heat_sides(groups) if claim.contrast is None else _sides(claim.contrast, groups)
    lines = [
        _line(one, two, note, score, sign)
        for one, two, note in sides
        for score, sign in claim.expected
    ]
    return Checked(claim, tuple(lines), "" if lines else _missing(claim, groups))


def _sides(contrast: Contrast, groups: Sequence[Group]) -> list[tuple[_Side, _Side, str]]:
    found = []
    for pair in contrast.pairs(groups):
        note = f"they also differ in {', '.join(pair.also)}" if pair.also else ""
        found.append((_side(pair.first), _side(pair.second), note))
    return found


def _side(group: Group) -> _Side:
    return _Side(group.name, group.scores(), _effective(group), _steps(group))


def _heat_sides(groups: Sequence[Group]) -> list[tuple[_Side, _Side, str]]:
    found = []
    for group in groups:
        # The record of an old evaluation names no head; all systems classified then.
        heats = sorted(group.members[0].scores["temperatures"], key=float)
        if group.members[0].scores.get("head", "bins") != "bins" or len(heats) < 2:
            continue
        low, high = (
            _Side(
                f"{group.name}, T = {heat}",
                group.scores_at(heat),
                _effective(group),
                _steps(group),
            )
            for heat in (heats[0], heats[-1])
        )
        found.append((low, high, _between(group, heats)))
    return found


def _between(group: Group, heats: Sequence[str]) -> str:
    """Whether the temperatures between the two ends are in line with them."""
    uneven = []
    for key, word in (("colorfulness", "the colorfulness"), ("auc", "the AuC")):
        means = []
        for heat in heats:
            values = list(_values(group.scores_at(heat), key).values())
            means.append(sum(values) / len(values) if values else 0.0)
        if means not in (sorted(means), sorted(means, reverse=True)):
            uneven.append(word)
    return f"{' and '.join(uneven)} turns on the way between the two" if uneven else ""


def _line(one: _Side, two: _Side, note: str, score: str, sign: int) -> Line:
    seen = difference(_values(one.scores, score), _values(two.scores, score))
    said = verdict(seen, sign)
    notes = [note] if note else []
    effective = min(one.effective, two.effective)
    if score == "auc_rebalanced" and seen is not None and effective < FEW_PIXELS:
        said = "not decided"
        notes.append(f"rests on {effective:,.0f} effective pixels, too few to decide anything")
    steps = tuple(dict.fromkeys(n for side in (one, two) if (n := side.steps) is not None))
    return Line(score, sign, one.label, two.label, seen, steps, said, "; ".join(notes))


def _missing(claim: Claim, groups: Sequence[Group]) -> str:
    text = f"needs {claim.answer}"
    pair = claim.contrast.closest(groups) if claim.contrast else None
    if pair is None or not 0 < len(pair.also) <= 3:
        return text
    names = f"{pair.first.name} and {pair.second.name}"
    return f"{text}; closest in this run: {names}, which also differ in {', '.join(pair.also)}"


def _values(scores: Mapping[int, Json], key: str) -> dict[int, float]:
    found = ((seed, number(one.get(key))) for seed, one in scores.items())
    return {seed: value for seed, value in found if value is not None}


def _effective(group: Group) -> float:
    """The fewest effective pixels of any member; none where an old file does not say."""
    return min(number(m.scores.get("effective_pixels")) or 0.0 for m in group.members)


def _steps(group: Group) -> int | None:
    found = number(group.members[0].model.get("steps"))
    return None if found is None else int(found)
