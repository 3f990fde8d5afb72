"""The checked claims of one or several runs, and the scores they rest on, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from huescape.claims import claims
from huescape.claims.claims import Checked
from huescape.claims.claims_table import row
from huescape.claims.lines import Line
from huescape.metrics.scores import METRICS
from huescape.reporting.wording import thousands

Scores = Mapping[str, str]

_HEAD = """\
# The papers' claims, checked

Made by `huescape claims` from the tables of finished runs. Systems that are compared differ in the
one thing that the claim is about, in what a row says besides, and in their seed. The difference is
the first minus the second, with its own 95 % interval over seeds and test photos
(`reporting/intervals.py` says how). *Supported* and *contradicted* need p of at most 0.05 after
Holm's correction for all {tested} comparisons that have several seeds; what has one seed is told,
and decides nothing. A verdict holds at the size that stands beside it, and at no other."""
_SHOWN = ("auc", "auc_macro", "auc_rebalanced", "psnr", "colorfulness")
#: What a row of `compare.csv` is asked for: texts, and numbers that may be empty.
TEXTS = ("name", "seeds", "steps")
NUMBERS = (
    *("trained_parameters", *_SHOWN),
    *(f"{key}_half_interval" for key in _SHOWN),
)
_CLAIM_HEAD = (
    "compared",
    "score",
    "expected",
    "means",
    "difference, 95 % interval",
    "at",
    "verdict",
)


def joined(runs: Sequence[Sequence[Checked]]) -> list[Checked]:
    """The claims of several runs as one, with verdicts corrected for all comparisons together.

    What several runs compare is taken from the last of them.
    """
    found = []
    for same in zip(*runs, strict=True):
        lines: dict[tuple[str, str, str], Line] = {}
        for item in same:
            lines |= {(line.score, line.first, line.second): line for line in item.lines}
        missing = "" if lines else same[-1].missing
        found.append(replace(same[-1], lines=tuple(lines.values()), missing=missing))
    return claims.with_verdicts(found)


def other_photos(runs: Mapping[Path, Sequence[Scores]]) -> list[str]:
    """A line for each run that was scored on other photos than the first.

    What tells is the scores of gray, and of what else no system made: they depend on the photos
    alone.
    """
    (first, rows), *others = runs.items()
    known = _given(rows)
    return [
        f"{folder}: scored on other photos than {first}: their systems are listed together, but "
        "cannot be compared"
        for folder, own in ((folder, _given(rows)) for folder, rows in others)
        if any(own[name] != known[name] for name in own.keys() & known.keys())
    ]


def _given(rows: Sequence[Scores]) -> dict[str, list[str]]:
    """The scores of what is no system, by name."""
    return {
        row["name"]: [row[key] for key in _SHOWN]
        for row in rows
        if row.get("kind") not in (None, "system")
    }


def text(found: Sequence[Checked], systems: Sequence[Scores], causes: Mapping[str, str]) -> str:
    """The document.

    Args:
        found: the claims, with verdicts.
        systems: rows of `compare.csv`, of every run.
        causes: what is to be said of a claim besides, by its number.
    """
    tested = sum(line.adjusted is not None for item in found for line in item.lines)
    parts = [_HEAD.format(tested=tested), claims.summary(found)]
    parts += ["## Systems", _systems(systems), "## Claims"]
    for item in found:
        claim = item.claim
        parts.append(f"### {claim.number}. {claim.text} ({claim.source})")
        parts.append(_claim(item) if item.lines else f"Not compared: {item.missing}.")
        if claim.number in causes:
            parts.append(causes[claim.number].strip())
    return "\n\n".join(parts) + "\n"


def _claim(item: Checked) -> str:
    return _table(_CLAIM_HEAD, [_claim_cells(line) for line in item.lines])


def _claim_cells(line: Line) -> list[str]:
    said = row(line)
    interval = f", {said.interval}" if said.interval else ""
    note = f" ({said.note})" if said.note else ""
    adjusted = f", {said.adjusted}" if said.adjusted else ""
    difference = f"{said.difference}{interval}; {said.basis}"
    start = [said.pair + note, said.score, said.expected, said.means, difference]
    return [*start, said.size, f"**{said.verdict}**{adjusted}"]


def _systems(rows: Sequence[Scores]) -> str:
    """Best macro AuC first; what several runs have is taken from the last of them."""
    last = {scores["name"]: scores for scores in rows}.values()
    ordered = sorted(last, key=lambda scores: -float(scores["auc_macro"] or 0))
    shown = [metric for metric in METRICS if metric.key in _SHOWN]
    head = ("system", "seeds", "steps", *(metric.label for metric in shown), "trained parameters")
    cells = []
    for scores in ordered:
        known = [_score(scores, metric.key, metric.digits) for metric in shown]
        parameters = thousands(float(p)) if (p := scores["trained_parameters"]) else ""
        seeds = str(len(scores["seeds"].split())) if scores["seeds"] else ""
        cells.append([scores["name"], seeds, scores["steps"], *known, parameters])
    return _table(head, cells)


def _score(scores: Scores, key: str, digits: int) -> str:
    if not scores[key]:
        return ""
    half = scores[f"{key}_half_interval"]
    spread = f" ± {float(half):.{digits}f}" if half else ""
    return f"{float(scores[key]):.{digits}f}{spread}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
