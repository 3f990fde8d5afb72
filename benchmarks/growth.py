"""What a photo costs by stage, of 256 pixels and of 64, and how memory grows with the photos.

Small photos are on the disk before anything is measured, as a data set's are; every stage runs
under DVC in a scratch project, on two numbers of photos of each size. What a photo costs is the
difference of the two, in seconds of processors of the stage and of DVC, which others on the machine
hardly change.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.many_photos import write_many
from benchmarks.scratch import ONE_QUANTIZER, Folder
from benchmarks.stage_cost import EVERY, Figures, forget, laid_out, run_stage
from huescape.base import runtime
from huescape.engines.graph import load_graph

Run = Mapping[str, Figures]


FULL: Mapping[str, Any] = {"quantizers.yuv32.bins.n": 32, "released": {}}


class Size(NamedTuple):
    """Photos of `side` pixels made of files of `file` pixels: so `few` and so `many` of them.

    `quantizers` are changes to the parameters: a few photos have not colors enough for 32 bins.
    """

    side: int
    file: tuple[int, int]
    few: int
    many: int
    quantizers: Mapping[str, Any] = FULL


SIZES = Size(256, (400, 300), 200, 700), Size(64, (120, 100), 1_000, 4_000)
QUICK = (
    Size(128, (200, 150), 40, 60, ONE_QUANTIZER),
    Size(64, (120, 100), 40, 60, ONE_QUANTIZER),
)


def run(quick: bool) -> Report:
    """What does a photo cost in each stage, and what memory does it take?"""
    wide, small = QUICK if quick else SIZES
    with tempfile.TemporaryDirectory(prefix="huescape-growth-") as temporary:
        project = laid_out(Path(temporary), quick)
        if not quick:
            measured(project, small, small.few)  # what is compiled is compiled
        runs = {
            size.side: [measured(project, size, count) for count in (size.few, size.many)]
            for size in (wide, small)
        }
    return reported(wide, small, runs)


def reported(wide: Size, small: Size, runs: Mapping[int, Sequence[Run]]) -> Report:
    """The report on what was measured of few and of many photos, by their side."""
    stages = list(runs[wide.side][0])
    lines = {side: {stage: _line(size, runs[side], stage) for stage in stages}
             for size in (wide, small) for side in (size.side,)}  # fmt: skip
    return Report(
        question=run.__doc__ or "",
        rows=[_row(stage, (wide, small), runs, lines) for stage in stages],
        ratios=[
            _memory(size, runs[size.side], stage) for size in (small, wide) for stage in stages
        ],
        notes=_notes(wide, small),
        facts={"models": lines[wide.side], "small": lines[small.side]},
    )


def measured(project: Folder, size: Size, count: int) -> Run:
    """Run every stage on so many photos, from nothing; what they made is removed afterwards."""
    root = project.root.parent / "photos"
    write_many(root, count, size.file)
    project.set(_changes(root, size))
    run = {}
    for name in load_graph(project.root).stages:
        run[name] = run_stage(project, name)
        line = f"{count:>7,} photos of {size.side}  {name:18} {run[name]}"
        print(line, file=sys.stderr, flush=True)
    forget(project)
    shutil.rmtree(root)
    return run


def _changes(root: Path, size: Size) -> dict[str, Any]:
    """The parameters of one run: photos of that size, a short training of a small network."""
    return {
        "download.sources": [{"kind": "folder", "root": str(root)}],
        "resize": {"size": size.side, "shards": 8},
        **size.quantizers,
        "systems.colorunet.network": {"width": 4},
        "systems.colorunet.augmentation.crop": 32,
        "systems.colorunet.steps": 20,
        "systems.colorunet.batch": 8,
        "systems.colorunet.checkpoint_every": 20,
    }


def _line(size: Size, runs: Sequence[Run], stage: str) -> tuple[float, float]:
    """Seconds of processors: those that are fixed, and those of each photo, neither below 0."""
    few, many = (one[stage].total for one in runs)
    each = max(0.0, (many - few) / (size.many - size.few))
    return max(0.0, few - size.few * each), each


def _row(
    stage: str,
    sizes: Sequence[Size],
    runs: Mapping[int, Sequence[Run]],
    lines: Mapping[int, Mapping[str, tuple[float, float]]],
) -> Row:
    wide, small = sizes
    fixed, each = lines[wide.side][stage]
    seen = "; ".join(
        f"{size.few:,} and {size.many:,} of {size.side} pixels: "
        + " and ".join(f"{one[stage].total:.1f}" for one in runs[size.side])
        + " s"
        for size in sizes
    )
    note = (
        f"and {fixed:.1f} s that are fixed; {1000 * lines[small.side][stage][1]:.2f} ms of "
        f"{small.side} pixels ({seen})"
    )
    return Row(f"{stage}, {wide.side} pixels", "CPU ms a photo", Spread.of([1000 * each]), note)


def _memory(size: Size, runs: Sequence[Run], stage: str) -> Ratio:
    low, high = (one[stage].memory.largest for one in runs)
    each = (high - low) / (size.many - size.few)
    note = f"{low / 1e6:.0f} and {high / 1e6:.0f} MB: {each:,.0f} bytes a photo"
    label = f"{stage}: memory, {size.many:,} / {size.few:,} photos of {size.side} pixels"
    return Ratio(label, Spread.of([high / max(low, 1)]), 1.1, at_least=False, note=note)


def _notes(wide: Size, small: Size) -> list[str]:
    return [
        "One run of each number of photos. Seconds of processors are those of all processes of the "
        "stage and of DVC around it, system included. Others used the machine, which lengthens "
        "them; a cost below a tenth of the fixed one is hardly told from nothing.",
        f"Memory is that of the largest process without mapped files, looked at every {EVERY} s.",
        f"{runtime.cpus()} worker processes (quick: 1), 1 thread for torch, 8 shards, "
        "the default split, ColorUNet of width 4, 20 training steps; it costs by its steps.",
        f"Photos are mixed from rendered landscapes: JPEG files of {wide.file[0]} x "
        f"{wide.file[1]} pixels, and of {small.file[0]} x {small.file[1]} for those of "
        f"{small.side}.",
    ]


if __name__ == "__main__":
    harness.run_command("growth", run)
