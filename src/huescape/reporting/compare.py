"""All systems side by side: scores with intervals over seeds, what they are, and what they cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from huescape.reporting.groups import Group
from huescape.reporting.inputs import Json
from huescape.reporting.intervals import Estimate, estimate
from huescape.reporting.metrics import BASELINE_NOTES, BASELINES, METRICS, TRUTH, Metric
from huescape.reporting.tables import csv_text
from huescape.reporting.wording import NONE, file_size, number, thousands

RANDOM = "random"
_COSTS = (
    "parameters",
    "trained_parameters",
    "macs_per_photo_inference",
    "macs_per_photo_training",
    "activation_bytes_per_photo",
)
_FACTS = ("network", "head", "loss", "quantizer", "pretrained", "steps", "batch")


@dataclass(frozen=True)
class Score:
    """A mean and half of its interval as text ("" with one seed).

    `best` of its column; `shaky` when a warning of the evaluation is about it.
    """

    text: str
    spread: str = ""
    best: bool = False
    shaky: bool = False


@dataclass(frozen=True)
class Entry:
    """A row of the scores: a group of systems, a baseline or the truth."""

    label: str
    note: str
    kind: Literal["system", "baseline", "truth"]
    seeds: str
    cells: tuple[Score, ...]


@dataclass(frozen=True)
class Cost:
    """A row of what a system is and costs, in words; a dash for what its files do not say."""

    name: str
    facts: tuple[str, ...]
    costs: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The rows of both tables; `random_notes` name systems without the weights they could have.

    `cost_sizes` are the sizes of the photos that the costs were counted for: `256 by 256`.
    """

    entries: tuple[Entry, ...]
    costs: tuple[Cost, ...]
    cost_sizes: tuple[str, ...]
    random_notes: tuple[str, ...]


def comparison(groups: Sequence[Group]) -> Comparison:
    """The tables of all groups, with the baselines of the first one's test photos."""
    return Comparison(
        tuple(_entries(groups)),
        tuple(_cost(group) for group in groups),
        tuple(sorted({size for group in groups if (size := _cost_size(group))})),
        tuple(group.name for group in groups if _pretrained(group) == RANDOM),
    )


def as_csv(groups: Sequence[Group]) -> str:
    """One row a group or baseline: facts, costs, then every score with half its 95 % interval."""
    scored = [name for metric in METRICS for name in (metric.key, f"{metric.key}_half_interval")]
    head = ["kind", "name", "systems", "seeds", *_FACTS, *_COSTS, *scored]
    rows: list[list[object]] = [[*_identity(group), *_numbers(group.scores())] for group in groups]
    for name, scores in _baselines(groups).items():
        kind = "truth" if name == TRUTH else "baseline"
        blank = [""] * (2 + len(_FACTS) + len(_COSTS))
        rows.append([kind, name, *blank, *_numbers({0: scores})])
    return csv_text(head, rows)


def facts_of(group: Group) -> dict[str, str]:
    """What a group is, in words, by the names of `_FACTS`."""
    settings, first = group.settings, group.members[0]
    params = first.model.get("params") or {}
    return {
        "network": str(settings.get("network.name") or NONE),
        "head": str(first.scores.get("head") or NONE),
        "loss": _loss(group),
        "quantizer": str(params.get("quantizer") or NONE),
        "pretrained": _pretrained(group),
        "steps": str(first.model.get("steps") or params.get("steps") or NONE),
        "batch": str(params.get("batch") or NONE),
    }


def costs_of(group: Group) -> dict[str, int | None]:
    """The computed costs by name; old evaluation files have none, but for the parameters."""
    first = group.members[0]
    cost = first.scores.get("cost")
    found = dict(cost) if isinstance(cost, dict) else {}
    found.setdefault("parameters", first.model.get("parameters"))
    known = {key: number(found.get(key)) for key in _COSTS}
    return {key: None if value is None else int(value) for key, value in known.items()}


def counted(value: float | None) -> str:
    """A large count with three digits and its unit (K, M, G, T); a dash for none."""
    if value is None:
        return NONE
    for unit in ("", " K", " M", " G"):
        if value < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} T"


def _entries(groups: Sequence[Group]) -> list[Entry]:
    baselines = _baselines(groups)
    rows = [
        (group.name, _estimates(group.scores()), ", ".join(map(str, group.seeds)))
        for group in groups
    ]
    others = [(name, _estimates({0: scores}), "") for name, scores in baselines.items()]
    racing = [found for name, found, _ in (*rows, *others) if name != TRUTH]
    truth = _estimates({0: baselines.get(TRUTH, {})})
    best = {metric.key: _best(metric, racing, truth) for metric in METRICS}
    entries = [
        Entry(name, _twins(group), "system", seeds, _cells(found, best, _doubted(group)))
        for (name, found, seeds), group in zip(rows, groups, strict=True)
    ]
    for name, found, _ in others:
        kind: Literal["baseline", "truth"] = "truth" if name == TRUTH else "baseline"
        cells = _truth_cells(found) if name == TRUTH else _cells(found, best)
        label, note = BASELINES.get(name, name), BASELINE_NOTES.get(name, "")
        entries.append(Entry(label, note, kind, "", cells))
    return entries


def _cells(
    found: Mapping[str, Estimate | None],
    best: Mapping[str, float | None],
    doubted: Collection[str] = (),
) -> tuple[Score, ...]:
    cells = []
    for metric in METRICS:
        one = found[metric.key]
        if one is None:
            cells.append(Score(NONE))
            continue
        spread = "" if one.half is None else f"± {one.half:.{metric.digits + 1}f}"
        won = one.mean == best.get(metric.key)
        text = f"{one.mean:.{metric.digits}f}"
        cells.append(Score(text, spread, won, metric.key in doubted))
    return tuple(cells)


def _truth_cells(found: Mapping[str, Estimate | None]) -> tuple[Score, ...]:
    """The truth does not compete; it has no error, and JSON no infinity for its PSNR."""
    cells = _cells(found, {})
    endless = [metric.key == "psnr" and found["psnr"] is None for metric in METRICS]
    return tuple(Score("∞") if e else cell for e, cell in zip(endless, cells, strict=True))


def _twins(group: Group) -> str:
    return f"the same as {', '.join(group.twins)}" if group.twins else ""


def _doubted(group: Group) -> set[str]:
    """The scores that warnings are about: a warning starts with its score."""
    texts = [str(text) for m in group.members for text in m.scores.get("warnings", [])]
    return {text.split(" ", 1)[0] for text in texts}


def _best(
    metric: Metric,
    racing: Sequence[Mapping[str, Estimate | None]],
    truth: Mapping[str, Estimate | None],
) -> float | None:
    means = [one.mean for found in racing if (one := found[metric.key]) is not None]
    goal = truth[metric.key]
    return metric.pick(means, None if goal is None else goal.mean)


def _estimates(by_seed: Mapping[int, Json]) -> dict[str, Estimate | None]:
    found = {}
    for metric in METRICS:
        values = [number(scores.get(metric.key)) for scores in by_seed.values()]
        found[metric.key] = estimate([value for value in values if value is not None])
    return found


def _numbers(by_seed: Mapping[int, Json]) -> list[object]:
    numbers: list[object] = []
    for one in _estimates(by_seed).values():
        numbers += [None, None] if one is None else [one.mean, one.half]
    return numbers


def _identity(group: Group) -> list[object]:
    systems = " ".join(member.name for member in group.members)
    seeds = " ".join(str(seed) for seed in group.seeds)
    facts = ("" if text == NONE else text for text in facts_of(group).values())
    return ["system", group.name, systems, seeds, *facts, *costs_of(group).values()]


def _cost(group: Group) -> Cost:
    found = costs_of(group)
    *counts, memory = (found[key] for key in _COSTS)
    texts = [thousands(counts[0]), thousands(counts[1]), counted(counts[2]), counted(counts[3])]
    return Cost(group.name, tuple(facts_of(group).values()), (*texts, file_size(memory)))


def _cost_size(group: Group) -> str:
    cost = group.members[0].scores.get("cost")
    return str(cost.get("input", "")).replace("x", " by ") if isinstance(cost, dict) else ""


def _baselines(groups: Sequence[Group]) -> dict[str, Json]:
    """In the order of BASELINES, unknown names after those, the truth last."""
    found: dict[str, Json] = groups[0].members[0].scores["baselines"] if groups else {}
    known = [name for name in BASELINES if name in found and name != TRUTH]
    names = [*known, *sorted(found.keys() - {*known, TRUTH}), TRUTH]
    return {name: found[name] for name in names if name in found}


def _loss(group: Group) -> str:
    name = str(group.settings.get("loss.name") or NONE).replace("_", " ")
    return f"{name}, rebalanced" if group.settings.get("loss.weighted") else name


def _pretrained(group: Group) -> str:
    """The weights' name; "random" where there could have been some; a dash where there are none."""
    model = group.members[0].model
    return str(model["pretrained"] or RANDOM) if "pretrained" in model else NONE
