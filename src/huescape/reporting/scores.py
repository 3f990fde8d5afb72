"""The scores as rows of tables, and who is best at what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from huescape.reporting.inputs import Json, SystemResult
from huescape.reporting.metrics import BASELINE_NOTES, BASELINES, METRICS, TRUTH, Metric
from huescape.reporting.wording import NONE, number, plain, thousands

# As many names as a reader takes in.
_FEW = 4


@dataclass(frozen=True)
class Cell:
    """A formatted score; `best` of its column; `shaky` when a warning is about it."""

    text: str
    best: bool = False
    shaky: bool = False


@dataclass(frozen=True)
class Row:
    """A row of scores, of a system, a baseline or the truth."""

    label: str
    note: str
    kind: Literal["system", "baseline", "truth"]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class HeatRow:
    """The scores at one temperature; `chosen` when it is that of the headline scores."""

    temperature: str
    chosen: bool
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of texts: `head` over the columns, then rows whose first text is their header."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def score_rows(results: Sequence[SystemResult]) -> list[Row]:
    """The headline scores of every system, the baselines (once: they are the same) and the truth.

    The best of a column is chosen among systems and baselines alike; the truth does not compete.
    """
    entries = [(result.name, "", result.scores) for result in results]
    entries += [(name, "baseline", scores) for name, scores in _baselines(results).items()]
    truth = _baselines(results).get(TRUTH, {})
    racing = [scores for name, _, scores in entries if name != TRUTH]
    best = {metric.key: _best(metric, racing, truth) for metric in METRICS}
    return [_row(name, bool(role), scores, best) for name, role, scores in entries]


def temperature_rows(result: SystemResult, headline: float) -> list[HeatRow]:
    """The scores of one system at every temperature, from 1 (mean) down towards 0 (mode)."""
    return [
        HeatRow(
            name,
            float(name) == headline,
            tuple(format_score(m, scores.get(m.key)) for m in METRICS),
        )
        for name, scores in _by_temperature(result)
    ]


def all_numbers(result: SystemResult) -> Table:
    """Every number of the evaluation file: a row a metric, a column the system or a baseline."""
    groups: dict[str, Json] = {result.name: _numbers(result.scores)}
    groups |= {name: _numbers(v) for name, v in _baselines([result]).items()}
    groups |= {f"T = {name}": _numbers(v) for name, v in _by_temperature(result)}
    keys = sorted({key for numbers in groups.values() for key in numbers})
    rows = tuple((key, *(plain(group.get(key)) for group in groups.values())) for key in keys)
    return Table(("score", *groups), rows)


def verdict(results: Sequence[SystemResult]) -> str:
    """One honest sentence on the best system by macro AuC against gray and the best baseline."""
    known = _macro({result.name: result.scores for result in results})
    baselines = _macro({k: v for k, v in _baselines(results).items() if k != TRUTH})
    gray = baselines.get("grey", baselines.get("gray"))
    if not known or gray is None:
        return "No system has a macro AuC that could be compared with leaving the photos gray."
    best, value = max(known.items(), key=lambda item: item[1])
    which = f"The best system, {best}," if len(results) > 1 else f"The system {best}"
    word = "above" if value > gray else "below" if value < gray else "equal to"
    text = f"{which} scores a macro AuC of {value:.3f} on the test photos, "
    text += f"{word} the {gray:.3f} of leaving them gray"
    name, limit = max(baselines.items(), key=lambda item: item[1])
    if gray < value <= limit:
        label = BASELINES.get(name, name)
        text += f", but not above the {limit:.3f} of the baseline \u201c{label}\u201d"
    return text + "."


def _macro(entries: Mapping[str, Json]) -> dict[str, float]:
    found = ((name, number(scores.get("auc_macro"))) for name, scores in entries.items())
    return {name: value for name, value in found if value is not None}


def basis_of(results: Sequence[SystemResult]) -> list[tuple[str, str]]:
    """(systems, what their scores rest on) pairs: photos, bins, effective pixels."""
    said = ((result.name, _basis(result.scores)) for result in results)
    return _grouped(said, len(results))


def _basis(scores: Json) -> str:
    found = (
        ("{} test photos", "photos"),
        ("macro AuC over {} bins of true color", "macro_bins"),
        ("rebalanced AuC carried by {} effective pixels", "effective_pixels"),
    )
    known = [(text, scores[key]) for text, key in found if number(scores.get(key)) is not None]
    return "; ".join(text.format(thousands(value)) for text, value in known)


def warnings_of(results: Sequence[SystemResult]) -> list[tuple[str, str]]:
    """(systems, warning) pairs: a warning that several systems share is said once."""
    said = [(r.name, _in_words(text)) for r in results for text in _warnings(r.scores)]
    return _grouped(said, len(results)) + _baseline_warning(results)


def _warnings(scores: Json) -> list[str]:
    return [str(text) for text in scores.get("warnings", [])]


def _in_words(text: str) -> str:
    """The names of scores in a warning as the tables have them."""
    for metric in METRICS:
        text = re.sub(rf"\b{metric.key}\b", metric.label, text)
    return text


def _grouped(pairs: Iterable[tuple[str, str]], systems: int) -> list[tuple[str, str]]:
    """The names of each text joined, in the order in which the texts first come."""
    names: dict[str, list[str]] = {}
    for name, text in pairs:
        names.setdefault(text, []).append(name)
    return [(_joined(those, systems), text) for text, those in names.items() if text]


def _joined(names: Sequence[str], systems: int) -> str:
    """The names, or that it is all of them where they are many."""
    return f"All {systems} systems" if len(names) == systems > _FEW else ", ".join(names)


def _baseline_warning(results: Sequence[SystemResult]) -> list[tuple[str, str]]:
    """Baselines depend on the test photos alone: if they differ, so did the photos."""
    first = results[0].scores["baselines"]
    other = [r.name for r in results if r.scores["baselines"] != first]
    if not other:
        return []
    text = f"scored on other photos than {results[0].name}: these rows cannot be compared"
    return [(", ".join(other), text)]


def _baselines(results: Sequence[SystemResult]) -> dict[str, Json]:
    """The baselines in the order of BASELINES, unknown names after those, the truth last."""
    found: dict[str, Json] = results[0].scores["baselines"]
    order = [name for name in BASELINES if name != TRUTH]
    names = sorted(found, key=lambda n: (n == TRUTH, order.index(n) if n in order else 99, n))
    return {name: found[name] for name in names}


def _by_temperature(result: SystemResult) -> list[tuple[str, Json]]:
    return sorted(result.scores["temperatures"].items(), key=lambda item: -float(item[0]))


def _best(metric: Metric, racing: Sequence[Json], truth: Json) -> float | None:
    values = [v for scores in racing if (v := number(scores.get(metric.key))) is not None]
    return metric.pick(values, number(truth.get(metric.key)))


def _row(name: str, baseline: bool, scores: Json, best: dict[str, float | None]) -> Row:
    kind: Literal["system", "baseline", "truth"]
    kind = "truth" if baseline and name == TRUTH else "baseline" if baseline else "system"
    doubted = {
        text.split(" ", 1)[0] for text in _warnings(scores)
    }  # a warning starts with its score
    cells = []
    for metric in METRICS:
        value = number(scores.get(metric.key))
        text = format_score(metric, scores.get(metric.key))
        if kind == "truth" and metric.key == "psnr" and value is None:
            text = "∞"  # no error at all; JSON has no infinity
        won = kind != "truth" and value is not None and value == best[metric.key]
        cells.append(Cell(text, won, metric.key in doubted))
    label = BASELINES.get(name, name) if baseline else name
    return Row(label, BASELINE_NOTES.get(name, "") if baseline else "", kind, tuple(cells))


def format_score(metric: Metric, value: Any) -> str:
    """A score with the digits of its metric; a dash where there is none."""
    found = number(value)
    return NONE if found is None else f"{found:.{metric.digits}f}"


def _numbers(value: Json, prefix: str = "") -> Json:
    """The numeric leaves of an object by dotted key, without the sections that have columns."""
    found: Json = {}
    for key, item in value.items():
        if not prefix and key in ("baselines", "temperatures"):
            continue
        if isinstance(item, dict):
            found |= _numbers(item, f"{prefix}{key}.")
        elif item is None or number(item) is not None:
            found[f"{prefix}{key}"] = item
    return found
