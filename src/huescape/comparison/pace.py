"""How many steps of a system fit into a time, by taking a few of them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from huescape.base.arrays import read_arrays
from huescape.params.load import load_params
from huescape.params.presets import resolve_system
from huescape.shards import ShardSet
from huescape.systems.system import build_system
from huescape.training import devices
from huescape.training.batches import Batches
from huescape.training.learners import Learner
from huescape.training.run import build_learner, loss_of

_WARM, _TIMED = 3, 10
# Of a system's share, what starting, checkpoints and scoring take.
_OVERHEAD_SECONDS, _SHARE = 12.0, 0.85


def steps_that_fit(folder: Path, name: str, seconds: float) -> int:
    """Steps of system `name` of the comparison in `folder` that take about `seconds`, at least 1.

    Measured on ten steps of a network that is thrown away, on the device that training would use.
    """
    started = time.perf_counter()
    with _inside(folder):
        pace = _seconds_per_step(name)
    if torch.cuda.is_available():  # the training, another process, may need this memory
        torch.cuda.empty_cache()
    left = (seconds - (time.perf_counter() - started) - _OVERHEAD_SECONDS) * _SHARE
    return max(1, int(left / pace))


def _seconds_per_step(name: str) -> float:
    params = load_params()
    system_params = resolve_system(name, params.systems[name])
    quantizer = system_params.quantizer
    shards = ShardSet.open(Path("data/shards") / quantizer, kind="targets")
    bins, prior = Path(f"data/bins/{quantizer}.npz"), Path(f"data/priors/{quantizer}.npz")
    centers_Q2 = read_arrays(bins, "centers", stage=f"bins@{quantizer}")["centers"]
    weights_Q = read_arrays(prior, "weights", stage=f"prior@{quantizer}")["weights"]
    device = devices.choose_device()
    system = build_system(system_params, shards.meta, centers_Q2)
    system.network.to(device)
    learner = build_learner(
        system.network, loss_of(system, weights_Q).to(device), system_params, device
    )
    batches = Batches(
        shards,
        system.space,
        system_params.augmentation,
        size=system_params.batch,
        seed=system_params.seed,
    )
    with devices.memory_explained(system_params.batch, system_params.augmentation.crop):
        return _timed(learner, batches, device)


def _timed(learner: Learner, batches: Batches, device: torch.device) -> float:
    """Seconds of a step, under the settings of a training."""
    begun = time.perf_counter()
    with devices.reproducible(device):
        for step in range(_WARM + _TIMED):
            if step == _WARM:
                _wait(device)
                begun = time.perf_counter()
            learner.step(batches.train(step).to(device), 0.0)
        _wait(device)
    return (time.perf_counter() - begun) / _TIMED


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
