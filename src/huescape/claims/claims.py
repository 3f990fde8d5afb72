"""The published claims, each checked on the systems of this run that can answer it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from huescape.claims.contrasts import Contrast
from huescape.claims.lines import Line, decided
from huescape.claims.published import CLAIMS, Claim
from huescape.metrics.names import FEW_PIXELS
from huescape.params.decodings import annealed_rising
from huescape.reporting.groups import Group, distinct
from huescape.reporting.sides import Comparisons, Side
from huescape.reporting.wording import thousands


@dataclass(frozen=True)
class Checked:
    """A claim with its lines; without a line, `missing` says which systems would answer it."""

    claim: Claim
    lines: tuple[Line, ...]
    missing: str


def check(groups: Sequence[Group], comparisons: Comparisons) -> list[Checked]:
    """Every claim, with a line for each score of each pair of groups that can answer it.

    The verdicts are corrected for the number of all comparisons.
    """
    apart = distinct(groups)
    return with_verdicts([_checked(claim, apart, comparisons) for claim in CLAIMS])


def with_verdicts(found: Sequence[Checked]) -> list[Checked]:
    """The same claims with verdicts, corrected for the number of comparisons in all of them."""
    said = iter(decided([line for item in found for line in item.lines]))
    return [replace(item, lines=tuple(next(said) for _ in item.lines)) for item in found]


def summary(found: Sequence[Checked]) -> str:
    """One sentence that counts the verdicts."""
    verdicts = [line.verdict for item in found for line in item.lines]
    open_ = sum(1 for item in found if not item.lines)
    order = ("supported", "contradicted", "not decided", "seen once", "not seen (once)")
    counts = [f"{verdicts.count(name)} {name}" for name in order if name in verdicts]
    text = f"{len(verdicts)} comparisons: {', '.join(counts)}. " if counts else ""
    return text + f"{len(found) - open_} of {len(found)} claims could be compared in this run."


def _checked(claim: Claim, groups: Sequence[Group], comparisons: Comparisons) -> Checked:
    sides = _temperature_sides(groups) if claim.contrast is None else _sides(claim.contrast, groups)
    lines = [
        _line(one, two, note, score, sign, comparisons)
        for one, two, note in sides
        for score, sign in claim.expected
    ]
    return Checked(claim, tuple(lines), "" if lines else _missing(claim, groups))


def _sides(contrast: Contrast, groups: Sequence[Group]) -> Iterator[tuple[Side, Side, str]]:
    for pair in contrast.pairs(groups):
        note = f"they also differ in {', '.join(pair.also)}" if pair.also else ""
        yield Side(pair.first), Side(pair.second), note


def _temperature_sides(groups: Sequence[Group]) -> Iterator[tuple[Side, Side, str]]:
    """One system of each network, the first: variants of it would add comparisons, not answers."""
    seen = set()
    for group in groups:
        rising = annealed_rising(group.members[0].scores["decodes"])
        network = group.settings.get("network.name")
        if group.members[0].scores["head"] == "bins" and len(rising) > 1 and network not in seen:
            seen.add(network)
            yield Side(group, rising[0]), Side(group, rising[-1]), _between(group, rising)


def _between(group: Group, rising: Sequence[str]) -> str:
    """Whether the temperatures between the two ends are in line with them."""
    uneven = []
    for key, word in (("colorfulness", "the colorfulness"), ("auc", "the AuC")):
        means = []
        for decoding in rising:
            values = list(Side(group, decoding).values(key).values())
            means.append(sum(values) / len(values) if values else 0.0)
        if means not in (sorted(means), sorted(means, reverse=True)):
            uneven.append(word)
    return f"{' and '.join(uneven)} turns on the way between the two" if uneven else ""


def _line(one: Side, two: Side, note: str, score: str, sign: int, comparisons: Comparisons) -> Line:
    seen = comparisons.difference(one, two, score)
    notes = [note] if note else []
    effective = min(one.effective, two.effective)
    doubted = score == "auc_rebalanced" and seen is not None and effective < FEW_PIXELS
    if doubted:
        notes.append(f"rests on {effective:,.0f} effective pixels, too few to decide anything")
    return Line(score, sign, one.label, two.label, seen, _size(one, two), "; ".join(notes), doubted)


def _size(one: Side, two: Side) -> str:
    """What both sides are like, as far as it limits what they say: `width 8, 128x128, 250 steps`.

    The two differ in their steps at most.
    """
    settings, photo = one.group.settings, one.group.members[0].scores["cost"]["input"]
    width = settings.get("network.width")
    steps = " and ".join(dict.fromkeys(map(thousands, (one.steps, two.steps))))
    parts = [] if width is None else [f"width {width}"]
    return ", ".join([*parts, photo, f"{steps} steps"])


def _missing(claim: Claim, groups: Sequence[Group]) -> str:
    text = f"needs {claim.answer}"
    pair = claim.contrast.closest(groups) if claim.contrast else None
    if pair is None or not 0 < len(pair.also) <= 3:
        return text
    names = f"{pair.first.name} and {pair.second.name}"
    return f"{text}; closest in this run: {names}, which also differ in {', '.join(pair.also)}"
