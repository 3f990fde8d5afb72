"""What `huescape evaluate` takes in one process and in two: `python -m benchmarks.processes`.

From the folder of a project that is up to date. Its `colorunet` is scored on the test photos, each
listed eight times, so that the start of Python and the fit of a temperature are not most of it. In
turns, three times each; the least seconds are printed, and those of all processors. With one thread
of torch, in a folder of its own.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import machine
from benchmarks.scratch import ROOT, Folder, environment
from huescape.shards import ShardSet, write_index, write_shard

TIMES, ROUNDS = 8, 3
NUMBERS = (1, 2)


def laid_out(root: Path) -> Folder:
    """What the stage reads, with more test photos."""
    for name in ("params.yaml", "data/bins", "data/priors", "models"):
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if Path(name).is_dir() else shutil.copy)(name, place)
    photos = ShardSet.open(Path("data/resized"), "photos")
    columns = list(photos.columns.values())
    resized = root / "data/resized"
    write_shard(resized, "00000", columns, list(_rows(photos)))
    write_index(resized, "photos", columns, ["00000"], photos.meta)
    return Folder(root, environment(PYTHONPATH=str(ROOT / "src")))


def _rows(photos: ShardSet) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for row in range(photos.count):
        split = str(photos.splits[row])
        arrays = {name: photos.take(name, [row])[0] for name in photos.columns}
        for copy in range(TIMES if split == "test" else 1):
            yield f"{photos.ids[row]}-{copy}", split, arrays


def measured(project: Folder, processes: int) -> tuple[float, float]:
    """Seconds, and those of all processors."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    own = {**project.environment, "HUESCAPE_PROCESSES": str(processes)}
    Folder(project.root, own).run(sys.executable, "-m", "huescape", "evaluate", "colorunet")
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu


def main() -> None:
    """Print a line for each number of processes."""
    with tempfile.TemporaryDirectory(prefix="huescape-processes-") as folder:
        project = laid_out(Path(folder) / "project")
        photos = len(ShardSet.open(project.root / "data/resized").rows("test"))
        measured(project, 1)  # what is compiled is compiled
        rounds = [[measured(project, number) for number in NUMBERS] for _ in range(ROUNDS)]
    print(f"{machine()['processor']}, {photos} test photos, load {os.getloadavg()[0]:.1f}")
    for number, found in zip(NUMBERS, zip(*rounds, strict=True), strict=True):
        seconds, cpu = (min(values) for values in zip(*found, strict=True))
        print(f"{number} processes: {seconds:.1f} s, {cpu:.1f} CPU s")


if __name__ == "__main__":
    main()
