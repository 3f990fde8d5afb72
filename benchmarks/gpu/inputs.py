"""What is computed on: seeded targets, batches and systems of the project.

Shape suffixes: N photos, 1 channel, H rows, W columns, h, w rows and columns of the targets,
Q bins, K bins of a target, 2 chroma channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.gpu.session import Session
from huescape import networks
from huescape.losses import Targets, build_loss
from huescape.networks import Network
from huescape.params.systems import SystemParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.training.batches import Batch
from huescape.training.learners import Learner
from huescape.training.run import build_learner

PRECISIONS = ("float32", "tf32", "bfloat16")


@dataclass(frozen=True)
class Task:
    """A network, its head and its loss.

    Attributes:
        outputs: Q, or 2 for chroma.
        neighbors: K, bins of a target: 1 for hard ones.
        side: of a photo.
    """

    network: str
    outputs: int
    side: int
    neighbors: int = 1
    loss: Mapping[str, Any] = field(default_factory=lambda: {"name": "cross_entropy"})
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stride(self) -> int:
        """The photo's resolution divided by that of the targets."""
        usual = networks.NETWORKS.find(self.network).stride
        return int(self.options.get("stride", usual))

    def params(self, precision: str, compiled: bool = False) -> SystemParams:
        """As params.yaml would have it."""
        return SystemParams.model_validate(
            {
                "preset": "benchmark",
                "quantizer": "benchmark",
                "network": {"name": self.network, **self.options},
                "loss": dict(self.loss),
                "optimizer": {"lr": 1e-5},
                "precision": precision,
                "compile": compiled,
            }
        )

    def build(self, device: torch.device | str) -> Network:
        """The network with its seeded weights."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            network = networks.build(self.network, self.options, self.outputs)
        return network.to(device)

    def learner(self, device: torch.device, precision: str, compiled: bool = False) -> Learner:
        """The project's learner; for tf32, its steps belong within `devices.arithmetic`."""
        params, bins = self.params(precision, compiled), self.outputs
        loss = build_loss(params.loss, torch.linspace(0.5, 1.5, bins), random_centers(bins))
        return build_learner(self.build(device), loss.to(device), params, device)

    def batch(self, photos: int, device: torch.device) -> Batch:
        """A batch on `device`; the rightmost eighth of every photo is padding.

        Photos of large shapes with some noise: noise alone vanishes in deep layers, whose norms
        would then enlarge its rounding errors.
        """
        generator = torch.Generator().manual_seed(0)
        coarse = torch.rand((photos, 1, 8, 8), generator=generator)
        shapes = F.interpolate(coarse, (self.side, self.side), mode="bilinear")
        lightness = shapes - 0.5 + 0.05 * torch.randn(shapes.shape, generator=generator)
        targets = random_targets(photos, self.side // self.stride, self.outputs, self.neighbors)
        return Batch(lightness, targets).to(device)


def small_task(session: Session) -> Task:
    """The U-Net at full resolution with 32 hard bins."""
    return Task("colorunet", 32, session.pick(256, 32))


def large_task(session: Session) -> Task:
    """The eight blocks in full width with 313 soft bins at a quarter of the resolution."""
    width = session.pick(64, 4)
    return Task("zhang2016", 313, session.pick(256, 32), 5, options={"width": width})


def random_targets(photos: int, side: int, bins: int, neighbors: int, seed: int = 1) -> Targets:
    """Targets of bins, and chroma besides, on the CPU."""
    rng = np.random.default_rng(seed)
    shape = (photos, side, side)
    mask = np.ones(shape, np.bool_)
    mask[:, :, side - side // 8 :] = False
    index = rng.integers(0, bins, (*shape, 1)) + 7 * np.arange(neighbors)
    weight = rng.random((*shape, neighbors), np.float32) + np.float32(0.01)
    weight /= weight.sum(-1, keepdims=True)
    chroma = rng.uniform(-1, 1, (photos, 2, side, side)).astype(np.float32)
    return Targets(
        torch.from_numpy(mask),
        torch.from_numpy(index % bins),
        None if neighbors == 1 else torch.from_numpy(weight),
        torch.from_numpy(chroma),
    )


def random_centers(bins: int) -> Tensor:
    """Bins (Q, 2) in normalized chroma."""
    return torch.from_numpy(np.random.default_rng(2).uniform(-1, 1, (bins, 2)).astype(np.float32))


def write_targets(folder: Path, task: Task, photos: int) -> ShardSet:
    """Target shards for `task` of noise, which costs as much to read as pictures do."""
    rng = np.random.default_rng(3)
    small, hard = task.side // task.stride, task.neighbors == 1
    columns = [
        Column("lightness", "uint8", (task.side, task.side)),
        Column("index", "uint8" if hard else "uint16", (small, small, task.neighbors)),
        *([] if hard else [Column("weight", "float16", (small, small, task.neighbors))]),
        Column("box", "int16", (4,)),
    ]
    rows = []
    for k in range(photos):
        targets = random_targets(1, small, task.outputs, task.neighbors, seed=k)
        arrays: dict[str, Any] = {
            "lightness": rng.integers(0, 256, (task.side, task.side), np.uint8),
            "index": targets.index_NhwK[0].numpy().astype(columns[1].dtype),  # type: ignore[index]
            "box": np.array([0, 0, task.side, task.side], np.int16),
        }
        if targets.weight_NhwK is not None:
            arrays["weight"] = targets.weight_NhwK[0].numpy().astype(np.float16)
        rows.append((f"photo{k:05d}", "train", arrays))
    folder.mkdir()
    write_shard(folder, "00000", columns, rows)
    meta = {"size": task.side, "stride": task.stride, "bins": task.outputs, "space": "lab"}
    write_index(folder, "targets", columns, ["00000"], meta)
    return ShardSet.open(folder, "targets")
