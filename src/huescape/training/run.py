"""A training put together: from a system's parameters and shards to the parts that the loop takes.

Nothing after it looks at a parameter.

Shape suffixes: Q bins, 2 chroma channels.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.interrupts import stop_request
from huescape.distributed import group
from huescape.losses import Loss, build_loss
from huescape.losses.chromagan import ChromaGanLoss
from huescape.networks import Network
from huescape.params.places import MODELS
from huescape.params.systems import SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import System
from huescape.training import devices, processes
from huescape.training.adversarial import AdversarialLearner, build_critic, build_teacher
from huescape.training.batches import Batches
from huescape.training.checkpoints import CheckpointFolder
from huescape.training.descent import descent, schedule
from huescape.training.learners import SupervisedLearner, compiled
from huescape.training.loop import HistoryRow, Loop, Parts, Recorder, Silent
from huescape.training.starts import start
from huescape.training.validation import Validation


def train(
    system: System,
    shards: ShardSet,
    class_weights_Q: npt.NDArray[np.float64],
    *,
    device: torch.device,
    checkpoint_dir: Path,
    models: Path = MODELS,
    recorder: Recorder | None = None,
) -> list[HistoryRow]:
    """Train `system.network` in place for `system.params.steps` steps.

    Goes on from the last checkpoint in `checkpoint_dir`, which must belong to these inputs. On the
    CPU the result depends on the inputs and the number of threads alone, to the byte, however
    often the run was interrupted.

    Raises:
        HuescapeError: the loss or the gradient is not finite (names the step; the last good
            checkpoint stays), or the device's memory does not hold a batch.
        Interrupted: SIGINT or SIGTERM; the state after the current step was saved.
    """
    params = system.params
    explained = devices.memory_explained(params.batch, params.augmentation.crop)
    computes = devices.settings(device, params.precision)
    with group.together(device), computes, stop_request() as stop, explained:
        loop = Loop(put_together(system, shards, class_weights_Q, device, checkpoint_dir, models))
        loop.run(recorder or Silent(), stop)
        return loop.history()


def put_together(
    system: System,
    shards: ShardSet,
    class_weights_Q: npt.NDArray[np.float64],
    device: torch.device,
    checkpoint_dir: Path,
    models: Path = MODELS,
) -> Parts:
    """All that a training of `system` is made of; `models` holds what it may start from.

    Raises HuescapeError for shards that do not suit the system.
    """
    params = system.params
    _check_stride(system, shards.number("stride"))
    _check_processes(params)
    network = system.network.to(device)
    loss = loss_of(system, class_weights_Q).to(device)
    learner = build_learner(network, loss, params, device)
    seen = params.augmentation, params.geometry
    batches = Batches(
        *(shards, system.space, *seen),
        size=params.batch,
        seed=params.seed,
        positions=params.positions,
        photos=params.photos,
        shuffle_shards=params.shuffle_shards,
        part=processes.part(params.batch),
    )

    def initialize() -> None:
        photos_N1HW = None
        if params.initialization.method == "kmeans":
            photos_N1HW = batches.first(params.initialization.photos).to(device).input_N1HW
        start(system, models, photos_N1HW)

    return Parts(
        learner=learner,
        schedule=schedule(params.optimizer),
        batches=batches.train,
        photos=params.batch,
        steps=params.steps,
        validation=Validation(system, shards, batches),
        checkpoints=CheckpointFolder(checkpoint_dir),
        checkpoint_every=params.checkpoint_every,
        device=device,
        seed=params.seed,
        initialize=initialize,
    )


def loss_of(system: System, class_weights_Q: npt.NDArray[np.float64]) -> Loss:
    """The loss of the system's parameters, for its bins."""
    weights_Q = torch.as_tensor(class_weights_Q, dtype=torch.float32)
    scale = system.space.chroma_scale
    centers_Q2 = torch.as_tensor(system.centers / scale, dtype=torch.float32)
    return build_loss(system.params.loss, weights_Q, centers_Q2, scale)


def build_learner(
    network: Network,
    loss: Loss,
    params: SystemParams,
    device: torch.device,
    teacher: nn.Module | None = None,
) -> SupervisedLearner | AdversarialLearner:
    """What trains `network` by `loss`, both on `device`: the one part that differs.

    Raises ParamsError where nothing can be compiled though `params.compile` asks for it, and
    HuescapeError for a network or a `teacher` that does not suit a loss with a critic.
    """
    autocast = partial(devices.autocast, device, params.precision)
    descends = descent(params.optimizer, network, network.slow_part())
    if not isinstance(loss, ChromaGanLoss):
        running = compiled(network, device) if params.compile else None
        return SupervisedLearner(network, loss, descends, autocast, running)
    found = build_teacher(loss, network.classes, teacher)
    critic = build_critic(network.width, loss.critic_slope, params.seed).to(device)
    return AdversarialLearner(
        network,
        critic,
        None if found is None else found.to(device),
        loss,
        (descends, descent(params.optimizer.model_copy(update={"average": None}), critic)),
        autocast,
        params.seed,
    )


def _check_processes(params: SystemParams) -> None:
    """What one process can and many cannot."""
    if params.compile and group.count() > 1:
        raise ParamsError(
            f"systems.<name>.compile is true; allowed with {group.count()} processes: false"
        )


def _check_stride(system: System, stride: int) -> None:
    own = system.network.stride
    if own != stride:
        raise HuescapeError(
            f"the targets of quantizer {system.params.quantizer!r} have stride {stride}, but "
            f"network {system.params.network.name!r} has stride {own}; "
            f"set quantizers.<name>.encode.stride to {own}"
        )
