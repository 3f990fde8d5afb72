"""What larger data sets take: computed from the cost of a photo that `growth` measured.

That a line through small sizes tells the cost of larger ones is tried on what `pipeline` measured:
fitted to its two smaller sizes, compared with its largest. `growth_steps` measured single steps at
1.3 million rows; nothing else here is measured at the sizes that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from huescape.photos.catalog_file import Partitions

#: Photos that are listed.
SETS = {"SUN397": 108_754, "ImageNet": 1_281_167, "50 million": 50_000_000}
CORES = 16
#: Stages that any number of machines can share, a partition each; then those of one machine's
#: processes; all others are one process.
_SCATTERED, _POOLED = ("resize", "encode"), ("download", "filter")
#: What does not depend on how many photos there are: the little that it differed was chance.
_FIXED = ("check", "prior", "report")
_STEPS_SIZE = "1300000"
#: Steps that `growth_steps` measures.
NEAR, WRITTEN = "near hashes found", "catalog written"
PARTITION, PARTITIONS = "one partition read from the catalog", "all partitions read, one by one"
LOOKED_UP = "10,000 photos looked up in the catalog"
#: What these hold does not grow with the photos.
_HELD = (WRITTEN, PARTITION, PARTITIONS, LOOKED_UP)


def lines(results: Callable[[str], Mapping[str, Any] | None]) -> list[str]:
    """The tables as Markdown, of recorded reports by name; what was not measured yet is said."""
    growth, steps, pipeline = map(results, ("growth", "growth_steps", "pipeline"))
    if growth is None or steps is None or pipeline is None:
        return ["Not measured yet."]
    tables = _hours(growth["facts"]), _single(steps["facts"]), _held_back(pipeline)
    return "\n\n".join("\n".join(table) for table in tables).split("\n")


def _held_back(pipeline: Mapping[str, Any]) -> list[str]:
    """A line through the two smaller sizes of the pipeline, against its largest."""
    few, some, many = pipeline["facts"]["photos"]
    seconds: dict[str, dict[int, float]] = {}
    for row in pipeline["rows"]:
        count, _, stage = row["name"].partition(" photos, ")
        photos = int(count.replace(",", ""))
        seconds.setdefault(stage, {})[photos] = row["value"]["median"] * photos / 1000
    found = [
        f"| stage | predicted from {few:,} and {some:,} photos | measured: {many:,} | ratio |",
        "|---|---:|---:|---:|",
    ]
    for stage, by in seconds.items():
        each = max(0.0, (by[some] - by[few]) / (some - few))
        predicted = by[some] + each * (many - some)
        ratio = by[many] / predicted
        found.append(f"| {stage} | {predicted:,.1f} CPU s | {by[many]:,.1f} CPU s | {ratio:.2f} |")
    return found


def _hours(facts: Mapping[str, Any]) -> list[str]:
    models = {
        stage: (fixed, 0.0 if stage.partition("@")[0] in _FIXED else each)
        for stage, (fixed, each) in facts["models"].items()
    }
    found = [
        "| stage | CPU ms a photo, measured | who can share it | "
        + " | ".join(f"{name}: CPU hours, computed" for name in SETS)
        + " |",
        "|---|---:|---|" + "---:|" * len(SETS),
    ]
    stages = [stage for stage in models if not stage.startswith("train")]
    hours = {
        stage: [_hours_of(*models[stage], count) for count in SETS.values()] for stage in stages
    }
    for stage, by_set in hours.items():
        cells = " | ".join(map(_few, by_set))
        found.append(f"| {stage} | {1000 * models[stage][1]:.2f} | {_sharing(stage)} | {cells} |")
    each = 1000 * sum(models[stage][1] for stage in stages)
    totals = [sum(column) for column in zip(*hours.values(), strict=True)]
    spread = [[hour / _hands(stage) for hour in by_set] for stage, by_set in hours.items()]
    walls = [sum(column) for column in zip(*spread, strict=True)]
    return [
        *found,
        f"| **all but training** | {each:.2f} | | {' | '.join(map(_few, totals))} |",
        f"| **hours on one machine of {CORES} cores** | | | {' | '.join(map(_few, walls))} |",
    ]


def _hands(stage: str) -> int:
    return 1 if _sharing(stage).startswith("one process") else CORES


def _hours_of(fixed: float, each: float, count: int) -> float:
    return (fixed + each * count) / 3600


def _sharing(stage: str) -> str:
    group = stage.partition("@")[0]
    if group in _SCATTERED:
        return "any machines"
    if group == "evaluate":
        return "any machines' processes"
    return "one machine's processes" if group in _POOLED else "one process"


def _single(facts: Mapping[str, Any]) -> list[str]:
    found = [
        "| step of one process | 1.3 million photos, measured | 50 million, computed |",
        "|---|---:|---:|",
    ]
    few, many = int(_STEPS_SIZE), SETS["50 million"]
    measured = {name: by_count[_STEPS_SIZE] for name, by_count in facts["steps"].items()}
    for name, (seconds, memory) in measured.items():
        minutes = _of_many(name, measured, few, many) / 60
        gigabytes = memory / 1e9 * (1 if name in _HELD else many / few)
        found.append(
            f"| {name} | {seconds:.1f} CPU s, {memory / 1e9:.2f} GB | "
            f"{minutes:,.1f} CPU min, {gigabytes:,.1f} GB |"
        )
    return found


def _of_many(name: str, measured: Mapping[str, Sequence[float]], few: int, many: int) -> float:
    """Seconds of a step for `many` photos, from what it took for `few`."""
    seconds = measured[name][0]
    if name == NEAR:
        return seconds * _compared(many) / _compared(few)
    if name == PARTITIONS:
        # The file is read once for so many photos, and a row of each photo is made.
        few_reads, many_reads = (-(-count // Partitions.HELD) for count in (few, many))
        reading = measured[PARTITION][0]
        rows = max(0.0, seconds - few_reads * reading)
        return (many_reads * reading + rows) * many / few
    return seconds * many / few


def _compared(count: int) -> float:
    """In proportion to look-ups and comparisons of `near_hashes`, with bands of 21 bits."""
    return count + count**2 / 2**22


def _few(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
