"""What each process of `test_processes.py` does, started by torchrun: some trainings, one by one.

Usage: torchrun … many.py FOLDER_OF_TARGETS FOLDER_OF_RESULTS CASES
CASES is JSON: {name: parameters}. Of a case whose name ends in `-stopped`, the last process is told
to stop once it has read the first losses.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from huescape.base.errors import HuescapeError
from huescape.distributed import group
from huescape.losses import Targets, build_loss
from huescape.networks.chromagan import ChromaGan
from huescape.params.systems import SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import build_system
from huescape.training import devices, processes
from huescape.training.adversarial import AdversarialLearner
from huescape.training.batches import Batch
from huescape.training.loop import Silent
from huescape.training.run import build_learner, train


class Stops(Silent):
    """Asks its own process to stop, once."""

    def __init__(self) -> None:
        self.asked = False

    def metrics(self, step: int, values: dict[str, float]) -> None:
        if not self.asked:
            self.asked = True
            os.kill(os.getpid(), signal.SIGTERM)


def one(data: Path, out: Path, params: SystemParams, checkpoints: Path, stops: bool) -> None:
    """Train, and write the losses and the weights of this process."""
    shards = ShardSet.open(data / "shards")
    centers = np.load(data / "bins.npz")["centers"]
    system = build_system(params, shards.meta, centers, np.ones(4))
    rank = dist.get_rank() if dist.is_initialized() else 0
    last = dist.is_initialized() and rank == dist.get_world_size() - 1
    cpu = torch.device("cpu")
    try:
        history = train(
            *(system, shards, np.load(data / "prior.npz")["weights"]),
            device=cpu,
            checkpoint_dir=checkpoints,
            recorder=Stops() if stops and last else None,
        )
    except HuescapeError as error:
        (out / f"said-{rank}.txt").write_text(str(error))
        return
    found: dict[str, Any] = {n: x.numpy() for n, x in system.network.state_dict().items()}
    losses = np.array([[row.loss, row.grad_norm] for row in history])
    np.savez(out / f"{rank}.npz", losses=losses, **found)


class Teacher(nn.Module):
    """Classes from the mean lightness."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = nn.Parameter(torch.linspace(-3, 3, 6, dtype=torch.float64))

    def forward(self, input_N1HW: Tensor) -> Tensor:
        return input_N1HW.mean((1, 2, 3))[:, None] * self.classes


def adversarial(out: Path, params: SystemParams) -> None:
    """Three steps of ChromaGAN in float64, on five photos of which one is padded."""
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(1)
    network = ChromaGan(2, 2, 6, norm_momentum=0.1).double()
    loss = build_loss(params.loss, None, torch.zeros(4, 2))
    cpu = torch.device("cpu")
    with devices.reproducible(cpu):
        learner = build_learner(network, loss, params, cpu, Teacher())
        assert isinstance(learner, AdversarialLearner)
        learner.critic.double()
        own = processes.part(5) or slice(0, 5)
        if group.count() > 1:
            learner.spread()
        steps = []
        for step in range(3):
            gray = torch.rand(5, 1, 32, 32, generator=draw, dtype=torch.float64) - 0.5
            chroma = torch.rand(5, 2, 32, 32, generator=draw, dtype=torch.float64) - 0.5
            mask = torch.ones(5, 32, 32, dtype=torch.bool)
            mask[3, 20:] = False
            whole = None if group.count() == 1 else mask
            targets = Targets(mask[own], chroma_N2hw=chroma[own], whole_Mhw=whole)
            values = learner.step(Batch(gray[own], targets), step / 3)
            steps.append(processes.mean(values))
    found = {name: x.numpy() for name, x in network.state_dict().items()}
    found |= {f"critic.{name}": x.numpy() for name, x in learner.critic.state_dict().items()}
    rank = dist.get_rank() if dist.is_initialized() else 0
    np.savez(out / f"{rank}.npz", losses=torch.stack(steps).numpy(), **found)


if __name__ == "__main__":
    targets, results = Path(sys.argv[1]), Path(sys.argv[2])
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    for name, values in json.loads(sys.argv[3]).items():
        place = results / name
        place.mkdir(parents=True, exist_ok=True)
        params = SystemParams.model_validate(values)
        if params.loss.name == "chromagan":
            adversarial(place, params)
            continue
        stops = name.endswith("-stopped")
        checkpoints = results / "checkpoints" / name.removesuffix("-stopped")
        one(targets, place, params, checkpoints, stops)
