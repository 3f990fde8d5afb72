"""How fast do training batches come from shards on S3, against shards on this disk?

The server is rclone on this machine, so that no network limits anything: what is left is the cost
of HTTP, of the client (s3fs) and of the cache.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import torch

from benchmarks import harness, photo_shards
from benchmarks.harness import Ratio, Report, Row
from benchmarks.s3_server import s3_server
from huescape.color.spaces import SPACES
from huescape.params.systems import AugmentationParams, GeometryParams
from huescape.shards import ShardSet
from huescape.shards.cache import FileCache
from huescape.shards.remote import Remote
from huescape.training.batches import Batches

BATCH = 16
LOCAL, WARM, COLD = "on this disk", "S3, all in the cache", "S3, the cache empty"
COPY, HALF = "the same files by boto3", "S3, room for half of the shards"
WINDOW, SHUFFLE_SHARDS = "S3, room for half, shuffle_shards 2", 2
NOTES = (
    "A round is an epoch of training batches in random order, made on one thread without a step "
    "between them, which would hide what is fetched ahead: the worst case. Every photo of a batch "
    "lies in another shard, so that the first batch waits for most of the shards.",
    "With room for half of the shards, a batch needs nearly all of them, and half are fetched "
    "again for each batch: the cache is to hold the shards of a system, or nearly.",
    "With shuffle_shards 2, of the 8 shards two are read and two are fetched meanwhile: the half, "
    "empty at the start of each round, holds both, and each shard is fetched once an epoch.",
)


def run(quick: bool) -> Report:
    """How fast do training batches come from shards on S3, against shards on this disk?"""
    torch.set_num_threads(1)
    count, size, rounds = (64, 64, 1) if quick else (1024, 256, 5)
    with tempfile.TemporaryDirectory(prefix="remote-shards-") as name:
        return _report(Path(name), count, size, rounds)


def _report(folder: Path, count: int, size: int, rounds: int) -> Report:
    place = folder / "s3/team/shards"
    local = photo_shards.write_targets(place, count, size)
    files = sorted(place.glob("*.npy"))
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    with s3_server(folder / "s3", "team") as server:
        os.environ.update(server.environment)
        half = int(megabytes * 5e5)
        limits = {WARM: 10**12, COLD: 10**12, HALF: half, WINDOW: half}
        caches = {case: folder / f"cache-{n}" for n, case in enumerate(limits)}

        def epoch(case: str) -> None:
            if case == LOCAL:
                return _epoch(ShardSet.open(place), count // BATCH)
            if case in (COLD, WINDOW):
                shutil.rmtree(caches[case], ignore_errors=True)
            remote = Remote("s3://team/shards", FileCache(caches[case], limits[case]))
            steps = 4 if case == HALF else count // BATCH
            window = SHUFFLE_SHARDS if case == WINDOW else None
            return _epoch(ShardSet.open(place, "targets", remote), steps, window)

        client = server.client

        def copy() -> None:
            for path in files:
                client.download_file("team", f"shards/{path.name}", str(folder / "copied"))

        cases = {case: lambda case=case: epoch(case) for case in (LOCAL, *limits)}
        seconds = harness.measure({**cases, COPY: copy}, rounds)
    photos = {case: 4 * BATCH if case == HALF else local.count for case in cases}
    rows = [Row(case, "photos/s", harness.rate(seconds[case], photos[case])) for case in cases] + [
        Row(COPY, "MB/s", harness.rate(seconds[COPY], megabytes))
    ]
    return Report(run.__doc__ or "", rows, _ratios(seconds), NOTES, {"megabytes": megabytes})


def _ratios(seconds: dict[str, list[float]]) -> list[Ratio]:
    return [
        Ratio(f"{name} / {base}", harness.times_faster(seconds[base], seconds[name]), target)
        for name, base, target in (
            (WARM, LOCAL, 0.5),
            (COLD, LOCAL, None),
            (COLD, COPY, None),
            (WINDOW, LOCAL, None),
            (WINDOW, COPY, None),
        )
    ]


def _epoch(shards: ShardSet, steps: int, window: int | None = None) -> None:
    seen = AugmentationParams(), GeometryParams()
    batches = Batches(shards, SPACES["lab"], *seen, size=BATCH, seed=0, shuffle_shards=window)
    for step in range(steps):
        batches.train(step)


if __name__ == "__main__":
    harness.run_command("remote_shards", run)
