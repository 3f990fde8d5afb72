"""What it costs that stages compare the shards they read with their digests.

The peer is the same stage on the same shards, with `ShardSet._verify` doing nothing.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.training_data import HARD_FULL, LAB313, SOFT_QUARTER, YUV32
from huescape.base import digests, runtime
from huescape.base.errors import HuescapeError
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.params.base import Named
from huescape.params.quantizers import PriorParams
from huescape.params.reports import EvaluateParams
from huescape.params.systems import OptimizerParams, SystemParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.stages import bins, encode, evaluate, prior, train

TARGET = 0.02
ALONE = "bins, 313 of the gamut, on one processor"
_SPLITS = ("train",) * 8 + ("val", "test")


@dataclass(frozen=True)
class Size:
    """Photos, different ones among them, their side, and the width of the network."""

    photos: int
    rendered: int
    side: int
    width: int
    batch: int


def run(quick: bool) -> Report:
    """How much longer do stages take because they verify what they read?"""
    os.environ |= {"HUESCAPE_WORKERS": "1", "TQDM_DISABLE": "1", "HUESCAPE_DEVICE": "cpu"}
    size = Size(20, 4, 64, 4, 4) if quick else Size(100, 20, 256, 16, 16)
    with tempfile.TemporaryDirectory(prefix="verification-") as name:
        os.environ["HUESCAPE_STATE"] = str(Path(name) / "state")
        stages = _stages(Path(name), size)
        rounds = 2 if quick else harness.ROUNDS
        seconds = harness.measure(_cases(stages), rounds)
        shares = [_share(name, stage, rounds) for name, stage in stages.items()]
        _check(Path(name), stages)
        alone = _hashing(Path(name) / "photos", size, rounds)
    rows = [
        Row(case, "photos/s", harness.rate(found, size.photos)) for case, found in seconds.items()
    ]
    return Report(run.__doc__ or "", [*rows, *alone], [*_ratios(seconds), *shares], _notes(size))


def _photos(folder: Path, size: Size) -> Path:
    """One shard of photos: of ten, eight to train with, one to validate and one to test."""
    rng, side = np.random.default_rng(0), size.side
    pictures = [
        render_scene(CATEGORIES[k % len(CATEGORIES)], rng, side, side) for k in range(size.rendered)
    ]
    columns = [Column("rgb", "uint8", (side, side, 3)), Column("box", "int16", (4,))]
    box = np.array([0, 0, side, side], np.int16)
    rows = [
        (f"photo{k:04d}", _SPLITS[k % 10], {"rgb": pictures[k % size.rendered], "box": box})
        for k in range(size.photos)
    ]
    folder.mkdir()
    write_shard(folder, "00000", columns, rows)
    write_index(folder, "photos", columns, ["00000"], {"size": side})
    return folder


def _stages(folder: Path, size: Size) -> dict[str, Callable[[], object]]:
    """The stages, by name; what each reads is made here."""
    photos, models = _photos(folder / "photos", size), folder / "models"
    lab, yuv = folder / "lab.npz", folder / "yuv.npz"
    shards, weights = folder / "yuv", {q: folder / f"prior-{q}.npz" for q in ("lab", "yuv")}
    system = SystemParams(
        preset="benchmark",
        quantizer="yuv",
        network=Named.model_validate({"name": "colorunet", "width": size.width}),
        loss={"name": "cross_entropy", "weighted": True},  # type: ignore[arg-type]
        optimizer=OptimizerParams(lr=1e-3),
        batch=size.batch,
        steps=max(1, size.photos * 8 // 10 // size.batch),
    )
    stages: dict[str, Callable[[], object]] = {
        "bins, 313 of the gamut": lambda: bins.run(photos, lab, "lab", LAB313),
        "bins, 32 frequent": lambda: bins.run(photos, yuv, "yuv", YUV32),
        "encode, 32 hard": lambda: encode.run(photos, yuv, shards, "yuv", HARD_FULL, name="yuv"),
        "encode, 313 soft": lambda: encode.run(
            photos, lab, folder / "lab", "lab", SOFT_QUARTER, name="lab"
        ),
        "train, one epoch": lambda: train.run(
            shards, weights["yuv"], yuv, models / "system", system, name="system"
        ),
        "evaluate": lambda: evaluate.run(
            *(models / "system", photos, lab, weights["lab"]),
            *(folder / "system.json", folder / "system", EvaluateParams(pictures=0)),
        ),
    }
    for name, stage in stages.items():
        if name.startswith("train"):
            _priors(folder, weights)
        stage()
    return stages


def _priors(folder: Path, weights: Mapping[str, Path]) -> None:
    params = PriorParams.model_validate({"lambda": 0.5})
    for space, path in weights.items():
        figure = folder / f"{space}.png"
        prior.run(folder / f"{space}.npz", folder / space, path, figure, space, params)


def _cases(stages: Mapping[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
    """Each stage with and without verification; the first one also on one processor."""
    cases: dict[str, Callable[[], object]] = {}
    for name, stage in stages.items():
        cases |= {name: stage, _without(name): lambda stage=stage: _unverified(stage)}  # type: ignore[misc]
    if hasattr(os, "sched_setaffinity"):
        first = next(iter(stages.values()))
        cases |= {ALONE: lambda: _alone(first), _without(ALONE): lambda: _alone_unverified(first)}
    return cases


def _without(name: str) -> str:
    return f"{name}, without"


def _unverified(stage: Callable[[], object]) -> None:
    with patch.object(ShardSet, "_verify", lambda *_: None):
        stage()


def _alone(stage: Callable[[], object]) -> None:
    with _one_processor():
        stage()


def _alone_unverified(stage: Callable[[], object]) -> None:
    with _one_processor():
        _unverified(stage)


@contextmanager
def _one_processor() -> Iterator[None]:
    """This thread and those it starts share one processor."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _share(name: str, stage: Callable[[], object], rounds: int) -> Ratio:
    """Of processor time: what others do on the machine meanwhile hardly matters to it."""
    verify, shares = ShardSet._verify, list[float]()
    for _ in range(rounds):
        spent: list[float] = []

        def timed(*arguments: Any, spent: list[float] = spent) -> None:
            start = time.thread_time()
            verify(*arguments)
            spent.append(time.thread_time() - start)

        start = time.process_time()
        with patch.object(ShardSet, "_verify", timed):
            stage()
        shares.append(sum(spent) / (time.process_time() - start - sum(spent)))
    question = f"{name}: processor time of verification / of all else"
    return Ratio(question, Spread.of(shares), TARGET, False)


def _check(folder: Path, stages: Mapping[str, Callable[[], object]]) -> None:
    """SystemExit where a stage that is measured does not see a flipped bit of a column."""
    for name, stage in stages.items():
        path = folder / ("yuv/00000.lightness.npy" if "train" in name else "photos/00000.rgb.npy")
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        try:
            stage()
        except HuescapeError:
            continue
        finally:
            path.write_bytes(content)
        raise SystemExit(f"verification: {name} does not see a flipped bit")


def _hashing(photos: Path, size: Size, rounds: int) -> list[Row]:
    path = photos / "00000.rgb.npy"
    hashes = {"XXH3": digests.file_xxh3, "SHA-256": digests.file_sha256}
    seconds = harness.measure({k: partial(of, path) for k, of in hashes.items()}, rounds)
    return [
        Row(f"{name} of the photos alone", "photos/s", harness.rate(found, size.photos))
        for name, found in seconds.items()
    ]


def _ratios(seconds: Mapping[str, list[float]]) -> list[Ratio]:
    ratios = []
    for name in [name for name in seconds if _without(name) in seconds]:
        with_, without = seconds[name], seconds[_without(name)]
        best = harness.at_best(with_, without)
        value, note = harness.times_faster(with_, without), f"{best:.3f} by the fastest round"
        ratios.append(Ratio(f"{name}: with / without", value, note=note))
    return ratios


def _notes(size: Size) -> list[str]:
    return [
        f"{size.photos} rendered photos of {size.side} x {size.side} in the page cache, of which "
        f"{size.photos * 8 // 10} are trained on and {size.photos // 10} tested; one worker, "
        f"{runtime.torch_threads()} threads of torch, ColorUNet of width {size.width}, float32 or "
        "bfloat16. Afterwards every stage was seen to refuse a flipped bit.",
        "XXH3 is checked at the first reading of each column. SHA-256, by which the same files can "
        "be checked by hand, would take a tenth of what it takes to find a photo's bins.",
        "train verifies before its first step, once for all epochs. The stage prior reads an index "
        "alone; filter, resize and report read nothing of shards.",
    ]


if __name__ == "__main__":
    harness.run_command("verification", run)
