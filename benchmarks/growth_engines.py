"""What a partition costs by itself: engines, and a stage, with more and more shards of few photos.

A project of 40 small photos is laid out with ever more shards, most of them empty. Snakemake plans
the whole graph, one job for each partition of resize and encode; DVC makes the shards of resize,
and says what is stale.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.scratch import ONE_QUANTIZER, SMALL, Folder
from benchmarks.stage_cost import forget, laid_out, run_stage

PARTITIONS, QUICK = (20, 100, 500), (5, 10, 20)
PLAN = ("snakemake", "report", "--cores", "2", "--dry-run", "--quiet")
JOB = ("python", "-m", "huescape.engines.job", "resize", "--partition", "1")
STAGES = ("check", "download", "filter", "resize")


def run(quick: bool) -> Report:
    """What does a partition cost by itself, in the engines and in the stage resize?"""
    seconds: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory(prefix="huescape-partitions-") as temporary:
        project = laid_out(Path(temporary), quick)
        project.set({**SMALL, **ONE_QUANTIZER, "systems.colorunet.quantizer": "lab"})
        sizes = QUICK if quick else PARTITIONS
        if not quick:
            _measured(project, sizes[0])  # what is compiled is compiled
        for count in sizes:
            for name, value in _measured(project, count).items():
                seconds.setdefault(name, {})[count] = value
                print(f"{count:>6} partitions, {name}: {value:.2f} s", file=sys.stderr, flush=True)
    return Report(
        question=run.__doc__ or "",
        rows=[
            Row(f"{name}, {count:,} partitions", "CPU s", Spread.of([value]))
            for name, by_count in seconds.items()
            for count, value in by_count.items()
        ],
        ratios=[_growth(name, by_count) for name, by_count in seconds.items()],
        notes=[
            "Seconds of processors, all processes of a command together. DVC runs resize, with "
            "a pool of processes; a job of Snakemake makes one partition, and starts Python, DVC "
            "and the stage for it, beside Snakemake's own process.",
            "A ratio of 1 is a partition that costs the same however many there are.",
        ],
        facts={"seconds": {n: {str(k): v for k, v in by.items()} for n, by in seconds.items()}},
    )


def _growth(name: str, by_count: Mapping[int, float]) -> Ratio:
    """What one more partition costs between the larger two counts by what it did before."""
    few, some, many = sorted(by_count)
    first = (by_count[some] - by_count[few]) / (some - few)
    last = (by_count[many] - by_count[some]) / (many - some)
    note = f"{1000 * first:.2f} and {1000 * last:.2f} CPU ms a partition"
    value = Spread.of([max(last, 1e-4) / max(first, 1e-4)])
    label = f"{name}: one more partition among {many:,} / {some:,}"
    return Ratio(label, value, 1.5, at_least=False, note=note)


def _measured(project: Folder, count: int) -> dict[str, float]:
    project.set({"resize.shards": count})
    found = {"Snakemake plans all jobs": _seconds(project, PLAN)}
    for name in STAGES:
        figures = run_stage(project, name)
        if name == "resize":
            found |= {name: figures.cpu, f"DVC around {name}": figures.dvc}
    found["a job of Snakemake"] = _seconds(project, JOB)
    found["dvc status"] = _seconds(project, ("dvc", "status", *STAGES))
    forget(project)
    return found


def _seconds(project: Folder, command: Sequence[str]) -> float:
    before = _children()
    project.run(*command)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    harness.run_command("growth_engines", run)
