"""The scores of systems, baselines and the truth in one table, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from huescape.metrics.names import BASELINES, ORACLE, TRUTH
from huescape.metrics.scores import METRICS, Score
from huescape.reporting.groups import Group
from huescape.reporting.inputs import Json, SystemResult
from huescape.reporting.intervals import Estimate
from huescape.reporting.marks import Racer, best_of
from huescape.reporting.sides import Comparisons, Side
from huescape.reporting.wording import NONE, number, plain, thousands

Kind = Literal["system", "baseline", "oracle", "truth"]
_SPLITS = {"test": "test", "val": "validation"}
_KINDS: dict[str, Kind] = {ORACLE: "oracle", TRUTH: "truth"}
# As many names as a reader takes in.
_FEW = 4
# What a table says of distributions, with its decimals.
_DISTRIBUTION = (
    *(("bits", 2), ("prior_bits", 2)),
    *(("temperature", 2), ("bits_fitted", 2), ("ece_fitted", 3)),
)
# Numbers of an evaluation file that have a place of their own on the page.
_SHOWN = frozenset(
    (
        *(metric.key for metric in METRICS),
        *("photos", "macro_bins", "effective_pixels", "bits_per_pixel", "calibration_error"),
        *(f"distribution.{key}" for key, _ in _DISTRIBUTION),
    )
)


@dataclass(frozen=True)
class ScoreRow:
    """A group of systems that differ in their seed, a baseline, an oracle or the truth.

    `side` is where its scores come from. `means` are these by key, None where there is none;
    `doubted` are the keys of those that a warning of the evaluation is about. `races` where it can
    be the best of a column: a shipped model may have learned from the very photos.
    """

    kind: Kind
    name: str
    label: str
    note: str
    seeds: tuple[int, ...]
    side: Side
    means: Mapping[str, Estimate | None]
    doubted: frozenset[str] = frozenset()
    races: bool = True


@dataclass(frozen=True)
class Cell:
    """A score as text, and its interval ("" where it has none).

    `best` where it is, or cannot be told from, the best of its column; `shaky` when a warning is
    about it.
    """

    text: str
    spread: str
    best: bool
    shaky: bool


@dataclass(frozen=True)
class TextTable:
    """Texts: `head` over the columns, then rows; `chosen` is the row to shade, -1 for none."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chosen: int = -1


def score_rows(groups: Sequence[Group], comparisons: Comparisons) -> list[ScoreRow]:
    """The groups, then the baselines of the first one's test photos, the truth last."""
    sides = [Side(group) for group in groups]
    known = _baselines(groups[0].members[0] if groups else None)
    others = {name: Side(groups[0], name) for name in known}
    comparisons.resample([*sides, *others.values()])
    rows = [
        ScoreRow(
            "system",
            group.name,
            group.name,
            _note(group),
            group.seeds,
            side,
            _estimates(side, comparisons),
            frozenset(w["score"] for member in group.members for w in member.scores["warnings"]),
            not group.members[0].is_shipped,
        )
        for group, side in zip(groups, sides, strict=True)
    ]
    for name, side in others.items():
        kind = _KINDS.get(name, "baseline")
        means = _estimates(side, comparisons)
        row = ScoreRow(kind, name, *BASELINES[name], (), side, means)
        rows.append(replace(row, races=name not in _KINDS))
    return rows


def table(
    rows: Sequence[ScoreRow], comparisons: Comparisons
) -> list[tuple[ScoreRow, tuple[Cell, ...]]]:
    """Each row with a cell for each of METRICS.

    The best of a column is chosen among systems and baselines alike, but not the oracle or the
    truth.
    """
    racers = [Racer(place, row.side) for place, row in enumerate(rows) if row.races]
    truth = next((row.side for row in rows if row.kind == "truth"), None)
    best = {metric.key: best_of(metric, racers, truth, comparisons) for metric in METRICS}
    return [
        (row, tuple(_cell(row, metric, place in best[metric.key]) for metric in METRICS))
        for place, row in enumerate(rows)
    ]


def decodes_of(result: SystemResult, *, averaged: bool = False) -> TextTable:
    """The scores of one system by every decoding, in the order of their names.

    Those of the headline stand in the table of scores: its row here, `chosen`, has its name alone.
    But where that table has means over seeds (`averaged`), they stand here.
    """
    found = _by_decoding(result)
    headline = result.scores["decode"]
    rows = tuple(
        (name,)
        if name == headline and not averaged
        else (name, *(_formatted(metric, number(scores.get(metric.key))) for metric in METRICS))
        for name, scores in found.items()
    )
    names = [*found]
    chosen = names.index(headline) if headline in names else -1
    return TextTable(("Decoding", *(metric.label for metric in METRICS)), rows, chosen)


def distributions_of(groups: Sequence[Group]) -> TextTable:
    """Bits and calibration of the systems that classify: means over their seeds."""
    rows = []
    for group in groups:
        found = [one for member in group.members if (one := member.scores["distribution"])]
        if found:
            quantizer = str(group.members[0].model["params"]["quantizer"])
            numbers = (_mean([one[key] for one in found], digits) for key, digits in _DISTRIBUTION)
            rows.append((group.name, quantizer, *numbers))
    head = (
        *("System", "Quantizer", "Bits per pixel", "Bits of the prior alone"),
        *("Fitted temperature", "Bits at it", "Calibration error at it"),
    )
    return TextTable(head, tuple(rows))


def other_numbers(results: Sequence[SystemResult]) -> TextTable:
    """The numbers of the evaluation files that no other table has, a column each.

    A row is a system by the decoding of its headline, a baseline, or a system by another decoding.
    """
    found = {result.name: _numbers(result.scores) for result in results}
    found |= {BASELINES[name].label: _numbers(one) for name, one in _baselines(results[0]).items()}
    for result in results:
        for name, scores in _by_decoding(result).items():
            if name != result.scores["decode"]:
                found[f"{result.name}, {name}"] = _numbers(scores)
    keys = sorted({key for numbers in found.values() for key in numbers if not _is_shown(key)})
    rows = ((name, *(plain(numbers.get(key)) for key in keys)) for name, numbers in found.items())
    return TextTable(("Prediction", *keys), tuple(rows))


def _is_shown(key: str) -> bool:
    """Whether another table, the basis of the scores or the parameters have a number."""
    return key in _SHOWN or key.startswith(("cost.", "settings."))


def basis_of(results: Sequence[SystemResult]) -> list[tuple[str, str]]:
    """(systems, what their scores rest on) pairs: photos, bins, effective pixels."""
    text = (
        "{photos} {split} photos; macro AuC over {macro_bins} bins of true color; rebalanced AuC "
        "carried by {effective_pixels} effective pixels"
    )
    keys = ("photos", "macro_bins", "effective_pixels")
    said = (
        (r.name, text.format(split=_SPLITS[r.scores["settings"]["split"]], **_counts(r, keys)))
        for r in results
    )
    return _said_once(said, len(results))


def _counts(result: SystemResult, keys: Sequence[str]) -> dict[str, str]:
    return {key: thousands(result.scores[key]) for key in keys}


def warnings_of(results: Sequence[SystemResult]) -> list[tuple[str, str]]:
    """(systems, warning) pairs: a warning that several systems share is said once."""
    labels = {metric.key: metric.label for metric in METRICS}
    said = [
        (result.name, f"{labels[warning['score']]} {warning['text']}")
        for result in results
        for warning in result.scores["warnings"]
    ]
    # Baselines depend on the test photos alone: if they differ, so did the photos.
    first = results[0]
    text = f"scored on other photos than {first.name}: these rows cannot be compared"
    others = [r.name for r in results if r.scores["baselines"] != first.scores["baselines"]]
    return _said_once(said, len(results)) + [(", ".join(others), text)] * bool(others)


def headline_of(results: Sequence[SystemResult]) -> str:
    """The decoding of the headline scores; that of shipped models is their own, and named."""
    own = [f"{r.name} by its own, {r.scores['decode']}" for r in results if r.is_shipped]
    common = [r.scores["decode"] for r in results if not r.is_shipped][:1]
    return "; ".join(common + own)


def _note(group: Group) -> str:
    first = group.members[0]
    if not first.is_shipped:
        return f"the same as {', '.join(group.twins)}" if group.twins else ""
    counts = first.model["release"]["photos"].items()
    photos = ", ".join(sorted(source for source, splits in counts if splits["train"]))
    return (
        f"shipped; not trained here, but on photos of {photos}, which may be among these; "
        f"{first.scores['decode']}"
    )


def _cell(row: ScoreRow, metric: Score, is_best: bool) -> Cell:
    one = row.means[metric.key]
    if one is None:  # the truth has no error, and JSON no infinity for its PSNR
        endless = row.kind == "truth" and metric.key == "psnr"
        return Cell("∞" if endless else NONE, "", False, False)
    return Cell(
        _formatted(metric, one.mean), _spread(one, metric), is_best, metric.key in row.doubted
    )


def _spread(one: Estimate, metric: Score) -> str:
    if one.low is None or one.high is None or one.low == one.high:
        return ""
    return f"{_formatted(metric, one.low)}\N{EN DASH}{_formatted(metric, one.high)}"


def _estimates(side: Side, comparisons: Comparisons) -> dict[str, Estimate | None]:
    return {metric.key: comparisons.estimate(side, metric.key) for metric in METRICS}


def _formatted(metric: Score, value: float | None) -> str:
    return NONE if value is None else f"{value:.{metric.digits}f}"


def _said_once(pairs: Iterable[tuple[str, str]], systems: int) -> list[tuple[str, str]]:
    """The names of each text joined, or that it is all of them where they are many."""
    names: dict[str, list[str]] = {}
    for name, text in pairs:
        names.setdefault(text, []).append(name)
    return [
        (f"All {systems} systems" if len(n) == systems > _FEW else ", ".join(n), text)
        for text, n in names.items()
    ]


def _baselines(result: SystemResult | None) -> dict[str, Json]:
    """Scores by baseline, in the order of BASELINES."""
    found = result.scores["baselines"] if result else {}
    return {name: found[name] for name in BASELINES if name in found}


def _mean(values: Sequence[float | None], digits: int) -> str:
    """Of those that there are."""
    known = [value for value in values if value is not None]
    return f"{fmean(known):.{digits}f}" if known else NONE


def _by_decoding(result: SystemResult) -> dict[str, Json]:
    found = result.scores["decodes"]
    return {name: found[name] for name in sorted(found)}


def _numbers(value: Json, prefix: str = "") -> Json:
    """The numeric leaves of an object by dotted key, without the sections that have columns."""
    found: Json = {}
    for key, item in value.items():
        if not prefix and key in ("baselines", "decodes"):
            continue
        if isinstance(item, dict):
            found |= _numbers(item, f"{prefix}{key}.")
        elif item is None or number(item) is not None:
            found[f"{prefix}{key}"] = item
    return found
