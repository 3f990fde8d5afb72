"""One comparison of a claim, and the verdicts of many together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from huescape.reporting.intervals import Difference, Verdict, holm, verdict


@dataclass(frozen=True)
class Line:
    """One score of one pair: what was expected, what was seen, and the verdict.

    `size` is what the verdict holds at: width, size of the photos, steps. `doubted` where the score
    rests on too little to decide anything. `adjusted` is the p-value corrected for the number of
    comparisons, None where there is none.
    """

    score: str
    expected: int
    first: str
    second: str
    seen: Difference | None
    size: str
    note: str = ""
    doubted: bool = False
    adjusted: float | None = None
    verdict: Verdict = "not compared"


def decided(lines: Sequence[Line]) -> list[Line]:
    """The lines with verdicts, their p-values corrected for all of `lines` by Holm's method."""
    tested = {k: p for k, line in enumerate(lines) if (p := _tested(line)) is not None}
    adjusted = dict(zip(tested, holm([*tested.values()]), strict=True))
    return [_decided(line, adjusted.get(k)) for k, line in enumerate(lines)]


def _tested(line: Line) -> float | None:
    return None if line.seen is None or line.doubted else line.seen.p


def _decided(line: Line, adjusted: float | None) -> Line:
    said = verdict(line.seen, line.expected, adjusted)
    if line.doubted:
        said = "not decided"
    return replace(line, adjusted=adjusted, verdict=said)
