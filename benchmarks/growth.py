"""What a photo costs by stage as there are more of them: a model, tried on a size held back.

Small photos are on the disk before anything is measured, as a data set's are; every stage runs
under DVC in a scratch project. The seconds of processors of the stage and of DVC, which others on
the machine hardly change, are fitted by a + b n over all sizes but the largest, and predicted
there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.many_photos import SIZE, linked, write_many
from benchmarks.scratch import Folder
from benchmarks.stage_cost import EVERY, Figures, forget, laid_out, run_stage
from huescape.base import runtime
from huescape.engines.graph import load_graph

SIZES = 1_000, 4_000, 12_000
LARGE_SIZES = 200, 700  # photos of 256 pixels
QUICK = (60, 90, 120), (40, 60)
BIG = 400, 300
Run = Mapping[str, Figures]


def changes(root: Path, side: int) -> dict[str, Any]:
    """The parameters of one run: photos of `side` pixels, a short training of the small network."""
    return {
        "download.sources": [{"kind": "folder", "root": str(root)}],
        "resize": {"size": side, "shards": 8},
        "systems.colorunet.network": {"width": 4},
        "systems.colorunet.augmentation.crop": 32,
        "systems.colorunet.steps": 20,
        "systems.colorunet.batch": 8,
        "systems.colorunet.checkpoint_every": 20,
        "released": {},
    }


def measured(project: Folder, paths: Sequence[Path], side: int) -> Run:
    """Run every stage on these photos, from nothing; what they made is removed afterwards."""
    root = linked(project.root.parent / f"photos-{len(paths)}-{side}", paths)
    project.set(changes(root, side))
    run = {}
    for name in load_graph(project.root).stages:
        run[name] = run_stage(project, name)
        line = f"{len(paths):>7,} photos of {side}  {name:18} {run[name]}"
        print(line, file=sys.stderr, flush=True)
    forget(project)
    shutil.rmtree(root)
    return run


def report(sizes: Sequence[int], large: Sequence[int], temporary: Path) -> Report:
    """What does a photo cost in each stage, and does a model of that hold for more photos?"""
    paths = write_many(temporary / "photos", max(sizes))
    big = write_many(temporary / "big", max(large), BIG)
    work = temporary / "work"
    work.mkdir()
    project = laid_out(work)
    measured(project, paths[: min(sizes)], 64)  # what is compiled is compiled
    small = {size: measured(project, paths[:size], 64) for size in sorted(sizes)}
    wide = {size: measured(project, big[:size], 256) for size in sorted(large)}
    *fitted, held = sorted(small)
    models = {name: Line.through(small, fitted, name) for name in small[held]}
    whole = Line(sum(m.fixed for m in models.values()), sum(m.each for m in models.values()))
    slopes = {name: Line.through(wide, sorted(wide), name).each for name in wide[max(wide)]}
    return Report(
        question=report.__doc__ or "",
        rows=[
            *(_stage_row(name, line, small, slopes[name]) for name, line in models.items()),
            *(_peak_row(name, small) for name in models),
        ],
        ratios=[
            _held("whole graph", whole, held, sum(f.total for f in small[held].values()), 1.15),
            *(_held(name, line, held, small[held][name].total) for name, line in models.items()),
            *(_peaks(name, small) for name in models),
        ],
        notes=_notes(fitted, held, sorted(wide)),
        facts={
            "fitted": fitted, "held": held, "wide": sorted(wide),
            "models": {name: [line.fixed, line.each] for name, line in models.items()},
            "each_256": slopes,
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """Seconds of processors: `fixed` and for `each` photo."""

    fixed: float
    each: float

    @classmethod
    def through(cls, runs: Mapping[int, Run], sizes: Sequence[int], stage: str) -> Line:
        """The line of least squared relative errors, of a slope of 0 or more."""
        count = np.array(sizes, float)
        seconds = np.array([runs[size][stage].total for size in sizes])
        terms = np.stack([1 / seconds, count / seconds], axis=1)
        (fixed, each), _ = nnls(terms, np.ones(len(sizes)))
        return cls(float(fixed), float(each))

    def at(self, count: int) -> float:
        """Seconds for so many photos."""
        return self.fixed + self.each * count


def _stage_row(name: str, line: Line, runs: Mapping[int, Run], wide: float) -> Row:
    seen = ", ".join(f"{runs[size][name].total:.1f}" for size in runs)
    note = f"and {line.fixed:.1f} s fixed; {1000 * wide:.2f} of 256 pixels; measured {seen} s"
    return Row(
        f"{name}, photos of 64 pixels", "CPU ms a photo", Spread.of([1000 * line.each]), note
    )


def _peak_row(name: str, runs: Mapping[int, Run]) -> Row:
    seen = [runs[size][name].memory.largest / 1e6 for size in runs]
    note = ", ".join(f"{value:.0f} MB of {size:,}" for value, size in zip(seen, runs, strict=True))
    return Row(f"{name}, largest process", "MB", Spread.of(seen), note)


def _held(name: str, line: Line, held: int, seconds: float, target: float | None = None) -> Ratio:
    value = Spread.of([seconds / line.at(held)])
    label = f"{name}, {held:,} photos held back: measured / predicted"
    note = f"{seconds:.1f} and {line.at(held):.1f} CPU s"
    return Ratio(label, value, target, at_least=False, note=note)


def _peaks(name: str, runs: Mapping[int, Run]) -> Ratio:
    few, many = min(runs), max(runs)
    low, high = (runs[size][name].memory.largest for size in (few, many))
    note = (
        f"{low / 1e6:.0f} and {high / 1e6:.0f} MB: {(high - low) / (many - few):,.0f} bytes a photo"
    )
    value = Spread.of([high / max(low, 1)])
    return Ratio(f"{name}: memory, {many:,} / {few:,} photos", value, 1.1, False, note)


def _notes(fitted: Sequence[int], held: int, wide: Sequence[int]) -> list[str]:
    return [
        f"Fitted to {', '.join(f'{size:,}' for size in fitted)} photos, one run each, by least "
        f"squared relative errors; {held:,} were held back. Those of 256 pixels are the difference "
        f"of {' and '.join(f'{size:,}' for size in wide)} photos, one run each.",
        "Seconds of processors, system included, of the stage and of DVC around it; the machine "
        "ran others' work meanwhile, which lengthens them by a tenth or so through its caches.",
        f"Memory is that of the largest process without mapped files, looked at every {EVERY} s.",
        f"{runtime.cpus()} worker processes, 1 thread for torch, 8 shards, ColorUNet of width 4, "
        "20 training steps; a training costs by its steps, not by the photos there are.",
        f"Photos are mixed from rendered landscapes: JPEG files of {SIZE[0]} x {SIZE[1]} pixels, "
        f"of {BIG[0]} x {BIG[1]} for those of 256. Larger files take longer to decode: see resize.",
    ]


def main() -> None:
    """Measure the sizes that are asked for; print the table and write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the figures mean nothing")
    parser.add_argument(
        "--photos", type=int, nargs="+", help=f"default: {' '.join(map(str, SIZES))}"
    )
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/growth.json")
    options = parser.parse_args()
    sizes, large = QUICK if options.quick else (options.photos or SIZES, LARGE_SIZES)
    if len(set(sizes)) < 3:
        parser.error("--photos needs three sizes or more: the largest is held back")
    with tempfile.TemporaryDirectory(prefix="huescape-growth-") as temporary:
        found = report(sizes, large, Path(temporary))
    print(harness.table("growth", found))
    path = options.output or (None if options.quick else harness.RESULTS / "growth.json")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(harness.record("growth", found), indent=1)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
