"""What larger data sets take: computed from the model of a photo's cost that `growth` measured.

Nothing here is measured at these sizes; `growth_steps` measured single steps at 1.3 million rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Photos that are listed.
SETS = {"SUN397": 108_754, "ImageNet": 1_281_167, "50 million": 50_000_000}
CORES = 16
#: Stages that any number of machines can share, a partition each; then those of one machine's
#: processes; all others are one process.
_SCATTERED, _POOLED = ("resize", "encode"), ("download", "filter")
_STEPS_SIZE = "1300000"


def lines(growth: Mapping[str, Any] | None, steps: Mapping[str, Any] | None) -> list[str]:
    """The tables as Markdown; what was not measured yet is said."""
    if growth is None or steps is None:
        return ["Not measured yet."]
    return [*_hours(growth["facts"]), "", *_single(steps["facts"])]


def _hours(facts: Mapping[str, Any]) -> list[str]:
    models, wide = facts["models"], facts["each_256"]
    found = [
        "| stage | CPU ms a photo, measured | who can share it | "
        + " | ".join(f"{name}: CPU hours, computed" for name in SETS)
        + " |",
        "|---|---:|---|" + "---:|" * len(SETS),
    ]
    stages = [stage for stage in models if not stage.startswith("train")]
    hours = {
        stage: [_hours_of(models[stage], wide[stage], count) for count in SETS.values()]
        for stage in stages
    }
    for stage, by_set in hours.items():
        cells = " | ".join(map(_few, by_set))
        found.append(f"| {stage} | {1000 * wide[stage]:.2f} | {_sharing(stage)} | {cells} |")
    each = 1000 * sum(wide[stage] for stage in stages)
    totals = [sum(column) for column in zip(*hours.values(), strict=True)]
    spread = [[hour / _hands(stage) for hour in by_set] for stage, by_set in hours.items()]
    walls = [sum(column) for column in zip(*spread, strict=True)]
    return [
        *found,
        f"| **all but training** | {each:.2f} | | {' | '.join(map(_few, totals))} |",
        f"| **hours on one machine of {CORES} cores** | | | {' | '.join(map(_few, walls))} |",
    ]


def _hands(stage: str) -> int:
    return 1 if _sharing(stage) == "one process" else CORES


def _hours_of(model: list[float], each: float, count: int) -> float:
    return (model[0] + each * count) / 3600


def _sharing(stage: str) -> str:
    group = stage.partition("@")[0]
    if group in _SCATTERED:
        return "any machines"
    return "one machine's processes" if group in _POOLED else "one process"


def _single(facts: Mapping[str, Any]) -> list[str]:
    found = [
        "| step of one process | 1.3 million photos, measured | 50 million, computed |",
        "|---|---:|---:|",
    ]
    for name, by_count in facts["steps"].items():
        seconds, memory = by_count[_STEPS_SIZE]
        times = SETS["50 million"] / int(_STEPS_SIZE)
        found.append(
            f"| {name} | {seconds:.0f} CPU s, {memory / 1e9:.1f} GB | "
            f"{seconds * times / 60:,.0f} CPU min, {memory * times / 1e9:,.0f} GB |"
        )
    return found


def _few(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
