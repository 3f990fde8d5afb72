"""How fast are random photos read from shards, against seven containers and the page cache?

Two tables: bare photos, collated into one array, and whole training batches. Every peer holds
the same photos, reads them at its best number of workers, and makes its batches with the same
code from what it read, so that only the reading differs.
"""

from __future__ import annotations

import gc
import itertools
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import harness, photo_shards, readers, reading_parts
from benchmarks.harness import Ratio, Report, Row
from benchmarks.readers import Reader
from benchmarks.readers.record import Record, Stored
from benchmarks.readers.shards_reader import ShardsReader
from huescape.color.spaces import SPACES
from huescape.params.systems import AugmentationParams, GeometryParams
from huescape.shards import ShardSet
from huescape.training import devices
from huescape.training.batches import Batch, Batches

BATCH = 16
LIMIT = "copy from the page cache"
BARE, TRAINING = "bare photos", "training batches"
WORKERS = "huescape, 2 worker processes"

Make = Callable[[Stored, int], Any]


@dataclass(frozen=True)
class Task:
    """One of the tables: shards, what is made of a batch that was read, and the project's way.

    Attributes:
        make: of what is stored and the number of the step, by the code that all share.
        ours: the same of a step, by the project's own reading.
        rows: the photos of a step of the project's.
        batches: what `ours` asks, for training batches.
    """

    name: str
    shards: ShardSet
    make: Make
    ours: Callable[[int], Any]
    rows: Callable[[int], Any]
    batches: Batches | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> Record:
        """The columns in an order that keeps each number aligned."""
        return Record(list(self.shards.columns.values()))

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return self.shards.count // BATCH


def run(quick: bool) -> Report:
    """How fast are random photos read from shards, against seven containers and the page cache?"""
    torch.set_num_threads(1)
    devices.keep_freed_memory()
    count, size, rounds = (128, 64, 2) if quick else (1536, 256, 3 * harness.ROUNDS)
    rows: list[Row] = []
    ratios: list[Ratio] = []
    notes = list(NOTES)
    facts: dict[str, Any] = {"photos": count, "size": size, "batch": BATCH}
    for make_task in (_bare, _training):
        with tempfile.TemporaryDirectory(prefix="shard-reading-") as folder:
            task = make_task(Path(folder) / "shards", count, size)
            table = _measured(task, Path(folder), rounds)
            if task.batches is not None:
                notes.append(reading_parts.shares(task.shards, task.batches, rounds))
                crop = size * 11 // 128 * 8  # the preset's 176 of 256, a multiple of 8
                ratios.append(reading_parts.share_of_step(task.shards, BATCH, crop, rounds))
        rows += table[0]
        ratios += table[1]
        facts[task.name] = task.facts
    return Report(run.__doc__ or "", rows, ratios, notes, facts)


NOTES = (
    "One thread of torch and of Numba. A round of a case is a whole epoch in random order, so that "
    "no worker gets ahead while another case runs; everything lies in the page cache.",
    "Peers read raw bytes, uncompressed. LMDB and safetensors hand out views of their memory maps, "
    "as our shards do: the same copy of the same bytes. What decides between them is how the file "
    "lies in the page cache: shards are written in blocks of 4 MB that start at multiples of it, "
    "which Linux keeps in huge pages (FilePmdMapped in /proc/self/smaps: 36 of the 36 MB of a "
    "shard). Written by a buffer that blocks did not align with, it was 18, and safetensors was a "
    "seventh ahead.",
    "HDF5 holds a packed record for each photo in one contiguous data set (photos, bytes), and "
    "reads it by h5py's low-level calls (select_hyperslab, DatasetID.read) with the same "
    "dataspaces for every row, straight into the batch. webdataset's order is random only within "
    "a buffer of 512 photos.",
    "Of every peer the best number of workers counts; the facts hold the rate of each number that "
    "was tried. For the row of huescape with 2 worker processes, torch's loader reads whole "
    "batches of our shards in them, and this process makes the batches from what they hand over, "
    "as for the peers.",
    "A batch in training is 3.5 times as large as what is stored of it (float32 and int64 against "
    "uint8, uint16 and float16), and 1.4 million table lookups of lightness and weights go one by "
    "one: that, and not reading, is what keeps it from the speed of a copy. The copy of the batch "
    "itself starts from tensors that lie in the caches.",
)


def _bare(folder: Path, count: int, size: int) -> Task:
    shards = photo_shards.write_photos(folder, count, size)
    order = np.random.default_rng(1).permutation(count)

    def rows(step: int) -> Any:
        return order[step * BATCH : (step + 1) * BATCH]

    def make(stored: Stored, step: int) -> Any:
        found = stored["rgb"]
        return np.ascontiguousarray(found) if isinstance(found, np.ndarray) else np.stack(found)

    return Task(BARE, shards, make, lambda step: shards.take("rgb", rows(step)), rows)


def _training(folder: Path, count: int, size: int) -> Task:
    shards = photo_shards.write_targets(folder, count, size)
    seen = AugmentationParams(), GeometryParams()
    batches = Batches(shards, SPACES["lab"], *seen, size=BATCH, seed=0)
    return Task(TRAINING, shards, batches.assemble, batches.train, batches.rows, batches)


def _measured(task: Task, folder: Path, rounds: int) -> tuple[list[Row], list[Ratio]]:
    _check_ours(task)
    with ExitStack() as stack:
        peers, missing = _peers(task, folder, stack)
        peers[WORKERS] = _our_workers(task, stack)
        cases: dict[str, Callable[[], object]] = {
            "huescape": lambda: _our_epoch(task),
            LIMIT: _copier(task.shards),
        }
        if task.name == TRAINING:
            made = task.ours(0)
            cases["copy of the batch itself"] = lambda: _copy_made(made, task.steps)
        for name, reader in peers.items():
            cases[name] = _epochs(task, reader)
        seconds = harness.measure(cases, rounds)
        notes = {name: _note(reader) for name, reader in peers.items()}
    photos = task.steps * BATCH
    rows = [
        Row(f"{task.name}: {name}", "photos/s", harness.rate(taken, photos), notes.get(name, ""))
        for name, taken in seconds.items()
    ]
    rows += [Row(f"{task.name}: {name}", "", None, why) for name, why in missing.items()]
    return rows, _ratios(task, seconds)


def _ratios(task: Task, seconds: Mapping[str, list[float]]) -> list[Ratio]:
    found = []
    for name, taken in seconds.items():
        if name != "huescape":
            target = {LIMIT: 0.6, "copy of the batch itself": None, WORKERS: None}.get(name, 1.0)
            value = harness.times_faster(taken, seconds["huescape"])
            found.append(Ratio(f"{task.name}: huescape / {name}", value, target))
    return found


def _peers(task: Task, folder: Path, stack: ExitStack) -> tuple[dict[str, Reader], dict[str, str]]:
    """Readers at their best number of workers, checked; and why the others are missing."""
    found: dict[str, Reader] = {}
    missing: dict[str, str] = {}
    for name, module in readers.PEERS.items():
        try:
            kind = readers.load(name)
            there = folder / module
            there.mkdir()
            kind.write(there, task.shards, task.record)
            rates = _rates(task, kind, there)
            workers = max(rates, key=lambda count: rates[count])
            found[name] = _reader(task, kind, there, workers)
        except Exception as error:  # whatever a package of others raises: the rest is measured
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            missing[name] = f"does not work here: {reason}"
            continue
        stack.callback(found[name].close)
        facts = {"version": version(kind.package), "workers": workers, "photos/s by workers": rates}
        task.facts[name] = facts
    return found, missing


def _our_workers(task: Task, stack: ExitStack) -> Reader:
    """Our shards read by two worker processes; the rates of one and two go into the facts."""
    rates = _rates(task, ShardsReader, task.shards.folder)
    task.facts["huescape"] = {"photos/s by workers": rates}
    reader = _reader(task, ShardsReader, task.shards.folder, 2)
    stack.callback(reader.close)
    return reader


def _reader(task: Task, kind: type[Reader], folder: Path, workers: int) -> Reader:
    return kind(folder, task.record, task.shards.count, BATCH, workers)


def _rates(task: Task, kind: type[Reader], folder: Path) -> dict[int, float]:
    """Photos per second of the faster of two epochs, by the number of workers; all are checked."""
    rates = {}
    for workers in kind.worker_counts:
        reader = _reader(task, kind, folder, workers)
        _check(task, reader)
        taken = min(harness.measure({"": _epochs(task, reader)}, rounds=2, warmups=0)[""])
        rates[workers] = task.steps * BATCH / taken
        reader.close()
        gc.collect()  # a loader that still waits here would be ended once more in each new worker
    return rates


def _check(task: Task, reader: Reader) -> None:
    """Ends the program unless the peer gives each photo once, and the same batches as we do."""
    seen = []
    for step, (rows_N, stored) in enumerate(reader.epoch(0)):
        seen += rows_N.tolist()
        columns = task.shards.columns
        ours = task.make({name: task.shards.views(name, rows_N) for name in columns}, step)
        if not _equal(ours, task.make(stored, step)):
            raise SystemExit(f"{reader.package}: batch {step} is not the one of the shards")
    if sorted(seen) != list(range(task.shards.count)):
        raise SystemExit(f"{reader.package}: an epoch does not give every photo once")
    if seen == sorted(seen):
        raise SystemExit(f"{reader.package}: the order is not random")


def _check_ours(task: Task) -> None:
    """Ends the program unless our first batch is that of its photos."""
    if task.batches is not None:
        reading_parts.check(task.shards, task.batches)
        return
    for row, photo in zip(task.rows(0).tolist(), task.ours(0), strict=True):
        number, at = divmod(row, task.shards.count // photo_shards.SHARDS)
        path = task.shards.folder / f"{task.shards.shard_names[number]}.rgb.npy"
        if not np.array_equal(np.load(path)[at], photo):
            raise SystemExit(f"huescape: photo {row} of the first batch is not as stored")


def _equal(first: Any, second: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(_tensors(first), _tensors(second), strict=True))


def _tensors(made: Any) -> list[torch.Tensor]:
    if not isinstance(made, Batch):
        return [torch.from_numpy(made)]
    targets = made.targets
    found = [made.input_N1HW, targets.mask_Nhw, targets.index_NhwK, targets.weight_NhwK]
    return [tensor for tensor in found if tensor is not None]


def _our_epoch(task: Task) -> None:
    for step in range(task.steps):
        task.ours(step)


def _epochs(task: Task, reader: Reader) -> Callable[[], None]:
    numbers = itertools.count(1)
    return lambda: _epoch(task, reader, next(numbers))


def _epoch(task: Task, reader: Reader, number: int) -> None:
    for step, (_, stored) in enumerate(reader.epoch(number)):
        task.make(stored, step)


def _copier(shards: ShardSet) -> Callable[[], None]:
    """Copies every column of every photo, in order, by as many photos as a batch has."""
    names = itertools.product(shards.shard_names, shards.columns)
    files = [shards.folder / f"{name}.{column}.npy" for name, column in names]
    maps = [np.asarray(np.load(path, mmap_mode="r")) for path in files]

    def copy() -> None:
        for stored in maps:
            for start in range(0, len(stored), BATCH):
                np.copy(stored[start : start + BATCH])

    return copy


def _copy_made(made: Batch, steps: int) -> None:
    for _ in range(steps):
        for tensor in _tensors(made):
            tensor.clone()


def _note(reader: Reader) -> str:
    if isinstance(reader, ShardsReader):
        return "torch's loader; no peer, no target"
    kind = "threads" if 0 not in reader.worker_counts else "workers"
    return f"{reader.package} {version(reader.package)}, {reader.workers} {kind}"


if __name__ == "__main__":
    harness.run_command("shard_reading", run)
