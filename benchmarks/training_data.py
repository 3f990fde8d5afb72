"""What the benchmarks of training read: shards of the rendered sample, made by the stages.

No benchmark of its own. Legend: N photos, S side of a photo, h rows of the targets, Q bins.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from huescape.base import runtime
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.params.base import Named
from huescape.params.quantizers import (
    Encoding,
    FrequentBins,
    GamutBins,
    HardEncoding,
    PriorParams,
    SoftEncoding,
)
from huescape.params.systems import AugmentationParams, OptimizerParams, SystemParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.stages import bins, encode, prior
from huescape.systems.system import System, build_system
from huescape.training import devices
from huescape.training.batches import Batch, Batches
from huescape.training.learners import Learner
from huescape.training.run import build_learner, loss_of

CPU = torch.device("cpu")
THREADS = min(2, runtime.torch_threads())
LAB313 = GamutBins(rule="gamut", step=10.0)
YUV32 = FrequentBins(rule="frequent", n=32, cells=40)
SOFT_QUARTER = SoftEncoding(method="soft", stride=4)
SOFT_FULL = SoftEncoding(method="soft", stride=1)
HARD_FULL = HardEncoding(method="hard", stride=1)


@contextmanager
def training_settings() -> Iterator[None]:
    """What the training loop sets for itself, with `THREADS` threads."""
    with devices.reproducible(CPU):
        torch.set_num_threads(THREADS)
        devices.keep_freed_memory()
        yield


def write_photos(folder: Path, *, rendered: int, count: int, size: int) -> Path:
    """A shard of `count` training photos of `size` pixels, of which `rendered` differ."""
    rng = np.random.default_rng(0)
    pictures = [
        render_scene(CATEGORIES[k % len(CATEGORIES)], rng, size, size) for k in range(rendered)
    ]
    columns = [Column("rgb", "uint8", (size, size, 3)), Column("box", "int16", (4,))]
    box = np.array([0, 0, size, size], np.int16)
    rows = [
        (f"photo{k:04d}", "train", {"rgb": pictures[k % rendered], "box": box})
        for k in range(count)
    ]
    folder.mkdir()
    write_shard(folder, "00000", columns, rows)
    write_index(folder, "photos", columns, ["00000"], {"size": size})
    return folder


@dataclass(frozen=True)
class Encoded:
    """Target shards, the bins (Q, 2) and their class weights (Q,)."""

    shards: ShardSet
    centers: npt.NDArray[np.float64]
    weights_Q: npt.NDArray[np.float64]


def encoded(
    photos: Path, name: str, space: str, rule: GamutBins | FrequentBins, encoding: Encoding
) -> Encoded:
    """The stages bins, encode and prior, into folders beside `photos`."""
    folder = photos.parent / name
    folder.mkdir()
    centers, weights = folder / "bins.npz", folder / "prior.npz"
    bins.run(photos, centers, space, rule)
    encode.run(photos, centers, folder / "shards", space, encoding, name=name)
    figure, params = folder / "prior.png", PriorParams.model_validate({"lambda": 0.5})
    prior.run(centers, folder / "shards", weights, figure, space, params)
    shards = ShardSet.open(folder / "shards", "targets")
    return Encoded(shards, np.load(centers)["centers"], np.load(weights)["weights"])


@dataclass
class Training:
    """A system on its way: `run` takes some steps, from shards or on a batch that is given."""

    data: Encoded
    system: System
    learner: Learner
    batches: Batches
    done: int = 0

    def run(self, steps: int, batch: Batch | None = None) -> float:
        """The last loss of `steps` steps; without `batch`, each reads its own from the shards."""
        for _ in range(steps):
            taken = self.batches.train(self.done).to(CPU) if batch is None else batch
            self.last = self.learner.step(taken, 0.0)
            self.done += 1
        return float(self.last[0])


def training(
    data: Encoded,
    network: Named,
    loss: Named,
    *,
    batch: int,
    optimizer: OptimizerParams | None = None,
) -> Training:
    """The project's own batches and learner: whole photos, flipped or not; precision auto."""
    params = SystemParams(
        preset="benchmark",
        quantizer=str(data.shards.meta["quantizer"]),
        network=network,
        loss=loss,
        optimizer=optimizer or OptimizerParams(lr=1e-4),
        augmentation=AugmentationParams(),
        batch=batch,
    )
    system = build_system(params, data.shards.meta, data.centers, np.ones(len(data.centers)))
    seen = params.augmentation, params.geometry
    batches = Batches(data.shards, system.space, *seen, size=batch, seed=0)
    learner = build_learner(system.network, loss_of(system, data.weights_Q), params, CPU)
    return Training(data, system, learner, batches)
