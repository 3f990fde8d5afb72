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

from huescape.base.errors import HuescapeError
from huescape.params.systems import SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import build_system
from huescape.training.loop import Silent
from huescape.training.run import train


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


if __name__ == "__main__":
    targets, results = Path(sys.argv[1]), Path(sys.argv[2])
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    for name, values in json.loads(sys.argv[3]).items():
        place = results / name
        place.mkdir(parents=True, exist_ok=True)
        stops = name.endswith("-stopped")
        checkpoints = results / "checkpoints" / name.removesuffix("-stopped")
        one(targets, place, SystemParams.model_validate(values), checkpoints, stops)
