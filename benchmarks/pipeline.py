"""The whole graph on more and more photos, stage by stage under DVC.

Every size is a scratch project whose photos are rendered; training has a fixed number of steps.
DVC is asked for one stage at a time, which tells what each takes and what DVC adds to it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.scratch import ONE_QUANTIZER, Folder
from benchmarks.stage_cost import EVERY, Figures, forget, laid_out, run_stage
from huescape.base import runtime
from huescape.engines.graph import load_graph

SIZES = 1_000, 10_000, 50_000
FIXED = 100  # photos of the run that shows what does not depend on their number
QUICK = (40, 50), 30
REPEATS = 3
LEAST = 1e-4  # seconds a photo below which a stage has no cost that could be compared
Run = Mapping[str, Figures]


def changes(photos: int, quick: bool) -> dict[str, Any]:
    """The parameters of one size; to be quick, with one quantizer and no model but ours."""
    return {
        "download.sources": [{"kind": "sample", "photos": photos, "seed": 0}],
        "resize": {"size": 64, "shards": 8},
        **(ONE_QUANTIZER if quick else {"quantizers.yuv32.bins.n": 12}),
        "systems.colorunet.network": {"width": 4},
        "systems.colorunet.augmentation.crop": 32,
        "systems.colorunet.steps": 20,
        "systems.colorunet.batch": 8,
        "systems.colorunet.checkpoint_every": 20,
    }


def measured(
    project: Folder, photos: int, show: Callable[[str], object], quick: bool = False
) -> Run:
    """Run every stage on so many photos, from nothing; what they made is removed afterwards."""
    project.set(changes(photos, quick))
    run = {}
    for name in load_graph(project.root).stages:
        run[name] = run_stage(project, name)
        show(f"{photos:>7,} photos  {name:18} {run[name]}")
    if "up to date" not in project.run("dvc", "repro"):
        raise SystemExit("after every stage by itself DVC still had something to do")
    forget(project)
    return run


def report(
    sizes: Sequence[int], fixed: int, show: Callable[[str], object], quick: bool = False
) -> Report:
    """What does a photo cost, from the first stage to the page, as there are more of them?"""
    small, *larger = sorted(sizes)
    repeats = 1 if quick else REPEATS
    with tempfile.TemporaryDirectory(prefix="huescape-pipeline-") as temporary:
        project = laid_out(Path(temporary), quick)
        if repeats > 1:  # the first run compiles what later ones load
            measured(project, fixed, show)
        often: dict[int, list[Run]] = {fixed: [], small: []}
        for _ in range(repeats):
            for size, runs in often.items():
                runs.append(measured(project, size, show, quick))
        once = {size: measured(project, size, show, quick) for size in larger}
    base = often[fixed]
    shown = {small: _typical(often[small])} | once
    rows = [_total_row(size, run) for size, run in shown.items()]
    rows += [_stage_row(size, name, f) for size, run in shown.items() for name, f in run.items()]
    big = larger[-1]
    ratios = [
        ratio
        for size in larger
        for ratio in _cost_ratios((fixed, base), (small, often[small]), (size, once[size]))
    ]
    return Report(
        question=report.__doc__ or "",
        rows=rows,
        ratios=[*ratios, *_memory_ratios((small, often[small]), (big, once[big]))],
        notes=_notes(fixed, (small, big), shown[big], repeats),
        facts={"fixed": fixed, "photos": list(shown), "repeats": repeats},
    )


def _notes(fixed: int, ends: tuple[int, int], run: Run, repeats: int) -> list[str]:
    small, big = ends
    return [
        f"{repeats} runs each of {fixed} and of {small:,} photos, one of each larger size. Fixed "
        f"costs are those of {fixed} photos (the median of their runs): a photo costs what a run "
        f"takes beyond that, divided by the photos beyond it. The spread is over the runs of "
        f"{small:,}, of which most is fixed.",
        "CPU seconds are of all processes of the stage and of DVC (system included); memory "
        f"was looked at every {EVERY} s, without pages of mapped files unless it says so.",
        f"{runtime.cpus()} worker processes (quick: 1), 1 thread for torch, photos of 64 pixels "
        "a side in 8 shards, 20 training steps of 8 photos.",
        f"Outputs of {big:,} photos: {sum(f.files for f in run.values()):,} files, "
        f"{sum(f.bytes for f in run.values()) / 1e6:,.0f} MB, and once more in DVC's "
        "cache where the file system has no reflinks.",
    ]


def _typical(runs: Sequence[Run]) -> Run:
    """Of every stage the run with the median cost."""
    return {
        name: sorted((run[name] for run in runs), key=lambda figures: figures.total)[len(runs) // 2]
        for name in runs[0]
    }


def _total_row(size: int, run: Run) -> Row:
    seconds, own = sum(f.total for f in run.values()), sum(f.dvc for f in run.values())
    return Row(
        f"{size:,} photos, whole graph",
        "CPU ms a photo",
        Spread.of([1000 * seconds / size]),
        f"{sum(f.wall for f in run.values()):.0f} s of wall time; {seconds:.0f} s of processors, "
        f"{own:.0f} s of them DVC's own",
    )


def _stage_row(size: int, name: str, figures: Figures) -> Row:
    value = Spread.of([1000 * figures.total / size])
    return Row(f"{size:,} photos, {name}", "CPU ms a photo", value, str(figures))


def _cost_ratios(
    base: tuple[int, Sequence[Run]], small: tuple[int, Sequence[Run]], big: tuple[int, Run]
) -> list[Ratio]:
    """The cost of a photo in a larger size by that in the smallest: all, DVC's own, by stage."""
    (fixed, fixed_runs), (few, few_runs), (many, many_run) = base, small, big

    def ratio(name: str, cost: Callable[[Run], float], target: float | None = None) -> Ratio | None:
        start = statistics.median(cost(run) for run in fixed_runs)
        per_few = [(cost(run) - start) / (few - fixed) for run in few_runs]
        per_many = (cost(many_run) - start) / (many - fixed)
        if target is None and min(*per_few, per_many) < LEAST:
            return None
        label = f"cost of a photo, {name}: {many:,} / {few:,} photos"
        value = Spread.of([per_many / max(per, LEAST) for per in per_few])
        note = f"{1000 * statistics.median(per_few):.3g} and {1000 * per_many:.3g} CPU ms a photo"
        return Ratio(label, value, target, at_least=False, note=note)

    def of(stage: str) -> Callable[[Run], float]:
        return lambda run: run[stage].cpu

    found = [
        ratio("whole graph", lambda run: sum(f.total for f in run.values()), 1.1),
        ratio("DVC's own", lambda run: sum(f.dvc for f in run.values())),
        *(ratio(stage, of(stage)) for stage in many_run if not stage.startswith("train")),
    ]
    return [one for one in found if one is not None]


def _memory_ratios(small: tuple[int, Sequence[Run]], big: tuple[int, Run]) -> list[Ratio]:
    """The peak of the whole run, of the stage that grows most, and of DVC."""
    (few, few_runs), (many, many_run) = small, big

    def ratio(name: str, peak: Callable[[Run], int], target: float | None) -> Ratio:
        low, high = statistics.median(peak(run) for run in few_runs), peak(many_run)
        grown = (high - low) / (many - few)
        note = f"{low / 1e6:.0f} and {high / 1e6:.0f} MB: {grown:,.0f} bytes a photo"
        value = Spread.of([high / max(peak(run), 1) for run in few_runs])
        return Ratio(f"memory, {name}: {many:,} / {few:,} photos", value, target, False, note)

    def grows(stage: str) -> float:
        before = statistics.median(run[stage].memory.together for run in few_runs)
        return many_run[stage].memory.together - before

    most = max(many_run, key=grows)
    return [
        ratio("largest process", lambda run: max(f.memory.largest for f in run.values()), 1.1),
        ratio("all processes", lambda run: max(f.memory.together for f in run.values()), 1.1),
        ratio(f"{most} (grows most)", lambda run: run[most].memory.together, None),
        ratio("with mapped files", lambda run: max(f.memory.mapped for f in run.values()), None),
        ratio("DVC", lambda run: max(f.memory.dvc for f in run.values()), None),
    ]


def main() -> None:
    """Measure the sizes that are asked for; print the table and write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the figures mean nothing")
    parser.add_argument(
        "--photos", type=int, nargs="+", help=f"default: {' '.join(map(str, SIZES))}"
    )
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/pipeline.json")
    options = parser.parse_args()
    sizes, fixed = QUICK if options.quick else (options.photos or SIZES, FIXED)
    if min(sizes) <= fixed or len(set(sizes)) < 2:
        parser.error(f"--photos needs two sizes or more, each above {fixed}")
    found = report(
        sizes,
        fixed,
        lambda line: print(line, file=sys.stderr, flush=True),
        options.quick,
    )
    print(harness.table("pipeline", found))
    path = options.output or (None if options.quick else harness.RESULTS / "pipeline.json")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(harness.record("pipeline", found), indent=1)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
