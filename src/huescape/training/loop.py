"""The training loop: steps, readouts, checkpoints, and going on where an earlier run stopped.

Shape suffixes: N photos, 1 channel, H rows, W columns, Q bins.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from huescape.base.errors import HuescapeError
from huescape.base.progress import bar
from huescape.losses import build_loss
from huescape.params.losses import ChromaGan
from huescape.shards import ShardSet
from huescape.systems.system import System
from huescape.training import cuda, devices
from huescape.training.adversarial import AdversarialLearner
from huescape.training.batches import Batch, Batches
from huescape.training.checkpoints import Checkpoint, CheckpointFolder
from huescape.training.initialization import kmeans_initialize
from huescape.training.interrupts import Interrupted, StopRequest, stop_request
from huescape.training.learner import Learner
from huescape.training.optimizers import learning_rate
from huescape.training.prefetch import batches_on
from huescape.training.recorder import Recorder, Silent
from huescape.training.samples import Validation
from huescape.training.supervised import SupervisedLearner

# Steps between two readings of the losses: each reading waits for the device.
READ_EVERY = 20
# A history has about this many rows, whatever the number of steps.
_HISTORY_ROWS = 200


@dataclass(frozen=True)
class HistoryRow:
    """Means over the steps since the row before; `lr` is that of the last of them.

    `more` holds what this kind of training tells besides, by name.
    """

    step: int
    loss: float
    lr: float
    grad_norm: float
    more: dict[str, float] = field(default_factory=dict)


def train(
    system: System,
    shards: ShardSet,
    class_weights_Q: npt.NDArray[np.float64],
    *,
    device: torch.device,
    checkpoint_dir: Path,
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
    precision = system.params.precision
    with devices.reproducible(device), cuda.arithmetic(device, precision), stop_request() as stop:
        devices.keep_freed_memory()
        with devices.memory_explained(system.params):
            trainer = _Trainer(system, shards, class_weights_Q, device, checkpoint_dir)
            trainer.run(recorder or Silent(), stop)
        return trainer.history()


class _Trainer:
    """The state of a run; the first `read` rows of `values` are those of each step, by column."""

    def __init__(
        self,
        system: System,
        shards: ShardSet,
        class_weights_Q: npt.NDArray[np.float64],
        device: torch.device,
        checkpoint_dir: Path,
    ) -> None:
        params = system.params
        self.system, self.params, self.device = system, params, device
        self.batches = Batches(
            shards, system.space, params.augmentation, size=params.batch, seed=params.seed
        )
        _check_stride(system, shards.number("stride"))
        system.network.to(device)
        self.learner = build_learner(system, class_weights_Q, device)
        self.validation = Validation(system, shards, self.batches)
        self.checkpoints = CheckpointFolder(checkpoint_dir)
        self.pending: list[Tensor] = []
        self.read = 0
        # Four bytes a value, in one piece: with tuples of floats, at 300 bytes a step, a checkpoint
        # took twenty times as long after an hour.
        self.values = torch.empty(params.steps, len(self.learner.columns))
        self.start()

    @property
    def done(self) -> int:
        """Number of steps taken, read out or not."""
        return self.read + len(self.pending)

    def start(self) -> None:
        """Take over the last checkpoint, or initialize from photos where that is asked for."""
        initialization = self.params.initialization
        fresh = copy.deepcopy(self.learner.state_dict())
        if self.checkpoints.restore(self.take_over) is not None:
            return
        self.learner.load_state_dict(fresh)  # one that did not fit may have been taken over in part
        if initialization.method == "kmeans":
            batch = self.batches.first(initialization.photos).to(self.device)
            kmeans_initialize(self.system.network, batch.input_N1HW, self.params.seed)

    def take_over(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`; raises whatever torch does where it does not fit."""
        columns = len(self.learner.columns)
        if checkpoint.values.shape != (checkpoint.step, columns):
            raise ValueError(f"the values of a step are not {columns}")
        self.learner.load_state_dict(checkpoint.learner)
        self.read = checkpoint.step
        self.values[: self.read] = checkpoint.values

    def run(self, recorder: Recorder, stop: StopRequest) -> None:
        """All steps that are left."""
        steps, params = self.params.steps, self.params
        left = range(self.done, steps)
        shown: tqdm[Any]
        with (
            bar(total=steps, desc="train", unit="step", initial=self.done) as shown,
            batches_on(self.device, self.batches.train, left) as batches,
        ):
            since, images = time.perf_counter(), 0
            for step in left:
                self.step(step, batches)
                shown.update()
                images += params.batch
                at_checkpoint = self.done % params.checkpoint_every == 0 or self.done == steps
                stopping = bool(stop)  # once a step: a signal may arrive between two lines
                if self.done % READ_EVERY and not at_checkpoint and not stopping:
                    continue
                values = self.read_out()
                values["images_per_second"] = images / (time.perf_counter() - since)
                shown.set_postfix_str(_postfix(values), refresh=False)
                recorder.metrics(self.done, values)
                if at_checkpoint or stopping:
                    self.save()
                if stopping and self.done < steps:
                    raise self.interrupted()
                if at_checkpoint:
                    self.validate(recorder)
                since, images = time.perf_counter(), 0

    def step(self, step: int, batches: Iterator[Batch]) -> None:
        """One batch, the next of `batches`; its values stay on the device."""
        batch = next(batches)
        self.pending.append(self.learner.step(batch, step / self.params.steps))

    def read_out(self) -> dict[str, float]:
        """Bring the pending values over in one go; HuescapeError at the first that is no number."""
        read = torch.stack(self.pending).cpu()
        self.pending.clear()
        for offset, row in enumerate(read.tolist()):
            if not all(math.isfinite(value) for value in row):
                raise self.diverged(self.read + offset, row[0], row[1])
        self.values[self.read : self.read + len(read)] = read
        self.read += len(read)
        means = read.double().numpy().mean(axis=0).tolist()
        values = dict(zip(self.learner.columns, means, strict=True))
        progress = (self.done - 1) / self.params.steps
        return {**values, "lr": learning_rate(self.params.optimizer, progress)}

    def save(self) -> None:
        """Write a checkpoint, unless an update has already spoilt the weights."""
        for name, tensor in self.system.network.state_dict().items():
            if not torch.isfinite(tensor).all():
                where = f", and its update left {name} not finite"
                loss, norm, *_ = self.values[self.read - 1].tolist()
                raise self.diverged(self.done - 1, loss, norm, where)
        state = self.learner.state_dict()
        # A copy: torch writes all of the memory that a view shows a part of.
        self.checkpoints.save(Checkpoint(self.done, state, self.values[: self.read].clone()))

    def validate(self, recorder: Recorder) -> None:
        """Score and draw a few photos of the validation split, if there are any."""
        loss = self.validation.loss(self.learner.validation_loss, self.device)
        if loss is not None:
            recorder.metrics(self.done, {"val_loss": loss})
        for name, rgb in self.validation.pictures():
            recorder.picture(name, self.done, rgb)

    def diverged(self, step: int, loss: float, norm: float, where: str = "") -> HuescapeError:
        """What to say when step `step` (0 is the first) gave something that is no number."""
        last = self.checkpoints.latest()
        kept = "there was no checkpoint yet" if last is None else f"step {last.step} is kept"
        return HuescapeError(
            f"training stopped at step {step + 1}: loss {loss:g}, gradient norm {norm:g}{where}; "
            f"{kept} in {self.checkpoints.folder}; lower systems.<name>.optimizer.lr "
            f"(now {self.params.optimizer.lr:g})"
        )

    def interrupted(self) -> Interrupted:
        """What to say when the user stops the run."""
        return Interrupted(
            f"interrupted after step {self.done} of {self.params.steps}; "
            "the same command goes on from there"
        )

    def history(self) -> list[HistoryRow]:
        """The curve of the whole run, earlier parts of an interrupted one included."""
        steps = self.params.steps
        width = max(1, steps // _HISTORY_ROWS)
        rows = []
        for first in range(0, steps, width):
            last = min(first + width, steps)
            values = self.values[first:last].double().numpy()
            loss, norm, *more = values.mean(axis=0).tolist()
            rate = learning_rate(self.params.optimizer, (last - 1) / steps)
            named = dict(zip(self.learner.columns[2:], more, strict=True))
            rows.append(HistoryRow(last, loss, rate, norm, named))
        return rows


def build_learner(
    system: System, class_weights_Q: npt.NDArray[np.float64], device: torch.device
) -> Learner:
    """What trains this system's network, which is on `device`, by the loss of its parameters."""
    params = system.params
    if isinstance(params.loss, ChromaGan):
        return AdversarialLearner(system.network, params, device)
    weighted = getattr(params.loss, "weighted", False)
    weights_Q = torch.as_tensor(class_weights_Q, dtype=torch.float32) if weighted else None
    centers_Q2 = torch.as_tensor(system.centers / system.space.chroma_scale, dtype=torch.float32)
    loss = build_loss(params.loss, weights_Q, centers_Q2).to(device)
    return SupervisedLearner(system.network, loss, params, device)


def _check_stride(system: System, stride: int) -> None:
    own = system.network.stride
    if own != stride:
        raise HuescapeError(
            f"the targets of quantizer {system.params.quantizer!r} have stride {stride}, but "
            f"network {system.params.network.name!r} has stride {own}; "
            f"set quantizers.<name>.encode.stride to {own}"
        )


def _postfix(values: dict[str, Any]) -> str:
    return f"loss {values['loss']:.4f}, {values['images_per_second']:.0f} images/s"
