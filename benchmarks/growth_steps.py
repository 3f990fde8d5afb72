"""Steps that one process takes over all photos, on rows that are made up: 1.3 million and a tenth.

Hashes are random, shards hold ids without pixels. Each step runs in a process of its own, which
says its seconds of processor and its highest memory beyond what it began with.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from operator import attrgetter
from pathlib import Path

import numpy as np

from benchmarks import harness, scale
from benchmarks.harness import Ratio, Report, Row, Spread
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import (
    CATALOG,
    Partitions,
    prints_of,
    read_catalog,
    read_partition,
    rows_of,
    write_catalog,
)
from huescape.photos.copies import drop_copies
from huescape.photos.judged import Judged
from huescape.photos.near_hashes import pairs_within
from huescape.shards import Column, ShardSet, shard_name, write_index
from huescape.shards.format import Sidecar, StoredColumn, sidecar_file

SIZES, QUICK = (130_000, 1_300_000), (1_000, 3_000)
IN_SHARD = 2_000  # photos
_COLUMN = Column("box", "int16", (0,))  # takes no room


def rows(count: int, split: str = "") -> Iterator[CatalogRow]:
    """Judged photos of a data set in a tar for each of a thousand classes."""
    phashes = np.random.default_rng(0).integers(0, 2**64, count, dtype=np.uint64)
    for k, phash in enumerate(phashes):
        wnid = f"n{k % 1000:08d}"
        yield CatalogRow(
            id=f"imagenet/train/{wnid}/{wnid}_{k}", path=f"/data/imagenet/train/{wnid}.tar",
            offset=k * 110_000 + 512, bytes=110_000 + k % 999, source="imagenet",
            category=f"synset{k % 1000}", tier="core",
            sha256=hashlib.sha256(str(k).encode()).hexdigest(), width=500, height=375,
            chroma=12.345, phash=f"{int(phash):016x}", split=split, kept=True, reason="",
        )  # fmt: skip


def near(count: int, folder: Path) -> Callable[[], object]:
    """The search for near hashes alone."""
    hashes = np.random.default_rng(0).integers(0, 2**64, count, dtype=np.uint64)
    list(pairs_within(hashes[:100], 8))
    return lambda: sum(1 for _ in pairs_within(hashes, 8))


def copies(count: int, folder: Path) -> Callable[[], object]:
    """Copies dropped, splits given, once all photos are judged."""
    photos = Judged.of_none(count)
    for n, row in enumerate(rows(count)):
        photos.put(n, row)
    return lambda: drop_copies(photos, 8, 0.1, 0.15)


def written(count: int, folder: Path) -> Callable[[], object]:
    """The catalog written."""
    judged = sorted(rows(count, "train"), key=attrgetter("id"))
    return lambda: write_catalog(folder / CATALOG, judged)


def read(count: int, folder: Path) -> Callable[[], object]:
    """All rows of the catalog read as objects, as `gather` does of its own source's."""
    return lambda: read_catalog(folder / CATALOG)


def partition(count: int, folder: Path) -> Callable[[], object]:
    """The photos of one partition read from it, as a job of Snakemake does."""
    return lambda: read_partition(folder / CATALOG, 1, -(-count // IN_SHARD))


def partitions(count: int, folder: Path) -> Callable[[], object]:
    """All partitions read from it, one after the other, as `resize` does under DVC."""

    def each() -> None:
        number = -(-count // IN_SHARD)
        members = Partitions(folder / CATALOG, number)
        for k in range(number):
            members[k]

    return each


def tested(count: int, folder: Path) -> Callable[[], object]:
    """The rows of 10,000 photos by id, as `report` and `perceive` do of those that were tested."""
    ids = [row.id for row in islice(rows(count), 0, None, -(-count // 10_000))]
    return lambda: rows_of(folder / CATALOG, ids)


def prints(count: int, folder: Path) -> Callable[[], object]:
    """What copies of learned photos are known by, as `gather` does."""
    return lambda: prints_of(folder / CATALOG, ("train", "val"))


def indexed(count: int, folder: Path) -> Callable[[], object]:
    """The index of all shards written."""
    names = [shard_name(k) for k in range(-(-count // IN_SHARD))]
    empty = StoredColumn(dtype="int16", shape=(0,), sha256="0" * 64, xxh3="0" * 32, bytes=128)
    for k, name in enumerate(names):
        ids = [f"imagenet/train/n{k:08d}/n{k:08d}_{n}" for n in range(IN_SHARD)]
        columns = {_COLUMN.name: empty}
        sidecar = Sidecar(
            name=name, count=IN_SHARD, ids=ids, splits=["train"] * IN_SHARD, columns=columns
        )
        (folder / sidecar_file(name)).write_text(
            json.dumps(sidecar.model_dump(mode="json"), indent=1)
        )
        (folder / f"{name}.{_COLUMN.name}.npy").write_bytes(bytes(128))
    return lambda: write_index(folder, "photos", [_COLUMN], names, {"size": 256})


def opened(count: int, folder: Path) -> Callable[[], object]:
    """All shards opened, as every reader does."""
    return lambda: ShardSet.open(folder, "photos")


STEPS: dict[str, Callable[[int, Path], Callable[[], object]]] = {
    scale.NEAR: near,
    "copies dropped, splits given": copies,
    scale.WRITTEN: written,
    "catalog read": read,
    scale.PARTITION: partition,
    scale.PARTITIONS: partitions,
    scale.LOOKED_UP: tested,
    "digests and hashes read from the catalog": prints,
    "index of shards written": indexed,
    "shards opened": opened,
}


def run(quick: bool) -> Report:
    """What do the steps cost that one process takes over all photos?"""
    small, large = QUICK if quick else SIZES
    found: dict[str, dict[int, tuple[float, float]]] = {name: {} for name in STEPS}
    sizes: dict[str, float] = {}
    for count in (small, large):
        with tempfile.TemporaryDirectory(prefix="huescape-steps-") as temporary:
            for name in STEPS:
                found[name][count] = _apart(name, count, temporary)
            sizes["catalog"] = Path(temporary, CATALOG).stat().st_size / count
            sidecars = sum(path.stat().st_size for path in Path(temporary).glob("0*.json"))
            sizes["sidecars"] = sidecars / count
    table = [
        Row(
            f"{name}, {count:,} photos",
            "CPU s",
            Spread.of([seconds]),
            f"{memory / 1e6:,.0f} MB more",
        )
        for name, by_count in found.items()
        for count, (seconds, memory) in by_count.items()
    ]
    return Report(
        question=run.__doc__ or "",
        rows=table,
        ratios=[
            _growth(name, by[small][0], by[large][0], large / small) for name, by in found.items()
        ],
        notes=[
            f"One process for each step, one thread. {IN_SHARD:,} photos in a shard.",
            f"A photo takes {sizes['catalog']:.0f} bytes of the catalog and "
            f"{sizes['sidecars']:.0f} of the sidecars of shards.",
            "Memory is the highest beyond what the process had before the step.",
        ],
        facts={
            "steps": {name: {str(n): v for n, v in by.items()} for name, by in found.items()},
            **sizes,
        },
    )


def _growth(name: str, few: float, many: float, times: float) -> Ratio:
    value = Spread.of([many / max(few, 1e-3) / times])
    return Ratio(f"cost of a photo, {name}: ten times the photos", value, 1.5, at_least=False)


def _apart(name: str, count: int, folder: str) -> tuple[float, float]:
    """Seconds of processor and bytes of memory of a step, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth_steps", "--step", name, str(count), folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{count:>9,} {name}: {seconds:.2f} s, {memory / 1e6:.0f} MB", file=sys.stderr, flush=True
    )
    return seconds, memory


def _step(name: str, count: int, folder: Path) -> None:
    work = STEPS[name](count, folder)
    before, start = _peak(), time.process_time()
    work()
    print(json.dumps([time.process_time() - start, _peak() - before]))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        _step(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        harness.run_command("growth_steps", run)
