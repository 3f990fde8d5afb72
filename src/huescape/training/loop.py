"""The training loop: steps, readouts, checkpoints, and going on where an earlier run stopped."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from huescape.base.errors import HuescapeError
from huescape.base.interrupts import Interrupted, StopRequest
from huescape.base.progress import bar
from huescape.distributed import group
from huescape.training import processes
from huescape.training.batches import Batch
from huescape.training.checkpoints import Checkpoint, CheckpointFolder, packed, unpacked
from huescape.training.descent import Schedule
from huescape.training.devices import seeded
from huescape.training.learners import Learner
from huescape.training.prefetch import batches_on
from huescape.training.validation import Validation

# Steps between two readings of the losses: each reading waits for the device.
READ_EVERY = 20
# A history has about this many rows, whatever the number of steps.
_HISTORY_ROWS = 200


class Recorder(Protocol):
    """Takes numbers and pictures while training; must return at once and never raise."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Numbers after `step` steps."""

    def picture(self, name: str, step: int, rgb: npt.NDArray[np.uint8]) -> None:
        """A picture (H, W, 3) after `step` steps."""


class Silent:
    """A recorder that nobody reads."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Nothing."""

    def picture(self, name: str, step: int, rgb: npt.NDArray[Any]) -> None:
        """Nothing."""


@dataclass(frozen=True)
class HistoryRow:
    """Means over the steps since the row before; `lr` is that of the last of them.

    `val_loss` is of the last validation among these steps, None where there was none; `more` holds
    what this kind of training tells besides, by name.
    """

    step: int
    loss: float
    lr: float
    grad_norm: float
    val_loss: float | None = None
    more: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """What a training is made of.

    Attributes:
        learner: what takes a step.
        schedule: the learning rate by the share of the run.
        batches: the batch of a step, 0 being the first, on the CPU; or this process's part of it.
        photos: how many a batch holds, in all processes.
        steps: how many to take.
        validation: a few photos to look at.
        checkpoints: where to keep them, each `checkpoint_every` steps.
        device: where the learner's networks are.
        seed: what is drawn within a step depends on it and the step alone.
        initialize: called before the first step of a run that goes on from no checkpoint.
    """

    learner: Learner
    schedule: Schedule
    batches: Callable[[int], Batch]
    photos: int
    steps: int
    validation: Validation
    checkpoints: CheckpointFolder
    checkpoint_every: int
    device: torch.device
    seed: int
    initialize: Callable[[], None]


class Loop:
    """The state of a run; the first `read` rows of `values` are those of each step, by column.

    `validated` holds the validation losses by step.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts, self.learner = parts, parts.learner
        self.pending: list[Tensor] = []
        self.read = 0
        self.validated: dict[int, float] = {}
        # Four bytes a value, in one piece: with tuples of floats, at 300 bytes a step, a checkpoint
        # took twenty times as long after an hour.
        self.values = torch.empty(parts.steps, len(parts.learner.columns))
        self.start()

    @property
    def done(self) -> int:
        """Number of steps taken, read out or not."""
        return self.read + len(self.pending)

    def start(self) -> None:
        """Take over the last checkpoint, or begin anew: the first process, and others after it."""
        if group.is_first():
            self.begin()
        if group.count() > 1:
            state = group.of_the_first(lambda: packed(self.checkpoint()))
            if not group.is_first():
                self.take_over(unpacked(state))
            self.learner.spread()

    def begin(self) -> None:
        """Take over the last checkpoint, or begin anew."""
        fresh = copy.deepcopy(self.learner.state_dict())
        if self.parts.checkpoints.restore(self.take_over) is not None:
            return
        # One that did not fit may have been taken over in part.
        self.learner.load_state_dict(fresh)
        self.parts.initialize()

    def take_over(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`; raises whatever torch does where it does not fit."""
        columns = len(self.learner.columns)
        if checkpoint.values.shape != (checkpoint.step, columns):
            raise ValueError(f"the values of a step are not {columns}")
        self.learner.load_state_dict(checkpoint.learner)
        self.read = checkpoint.step
        self.values[: self.read] = checkpoint.values
        self.validated = dict(checkpoint.validated)

    def run(self, recorder: Recorder, stop: StopRequest) -> None:
        """All steps that are left."""
        parts, steps = self.parts, self.parts.steps
        left = range(self.done, steps)
        # A checkpoint is written before it is validated, which an interruption may have cut off.
        if self.done and self.is_checkpoint() and group.is_first():
            self.validate(recorder)
        shown: tqdm[Any]
        with (
            bar(total=steps, desc="train", unit="step", initial=self.done) as shown,
            batches_on(parts.device, parts.batches, left) as batches,
        ):
            since, photos = time.perf_counter(), 0
            for step, batch in zip(left, batches, strict=False):
                with seeded(parts.device, parts.seed, step):
                    values_C = self.learner.step(batch, step / steps)
                self.pending.append(values_C)  # stays on the device
                shown.update()
                photos += parts.photos
                at_checkpoint = self.is_checkpoint()
                # Once a step: a signal may arrive between two lines.
                stopping = group.any_wants(bool(stop))
                if self.done % READ_EVERY and not at_checkpoint and not stopping:
                    continue
                values = self.read_out()
                values["images_per_second"] = photos / (time.perf_counter() - since)
                shown.set_postfix_str(_postfix(values), refresh=False)
                recorder.metrics(self.done, values)
                if (at_checkpoint or stopping) and group.is_first():
                    self.save()
                if stopping and self.done < steps:
                    raise self.interrupted()
                if at_checkpoint and group.is_first():
                    self.validate(recorder)
                since, photos = time.perf_counter(), 0
        self.learner.finish()

    def is_checkpoint(self) -> bool:
        """Whether a checkpoint is due after the steps taken."""
        return self.done % self.parts.checkpoint_every == 0 or self.done == self.parts.steps

    def read_out(self) -> dict[str, float]:
        """Bring the pending values over in one go; HuescapeError at the first that is no number."""
        read = processes.mean(torch.stack(self.pending)).cpu()
        self.pending.clear()
        for offset, row in enumerate(read.tolist()):
            if not all(math.isfinite(value) for value in row):
                raise self.diverged(self.read + offset, row[0], row[1])
        self.values[self.read : self.read + len(read)] = read
        self.read += len(read)
        means = read.double().numpy().mean(axis=0).tolist()
        values = dict(zip(self.learner.columns, means, strict=True))
        progress = (self.done - 1) / self.parts.steps
        return {**values, "lr": self.parts.schedule.rate(progress)}

    def save(self) -> None:
        """Write a checkpoint, unless an update has already spoilt the weights."""
        for name, tensor in self.learner.network.state_dict().items():
            if not torch.isfinite(tensor).all():
                where = f", and its update left {name} not finite"
                loss, norm, *_ = self.values[self.read - 1].tolist()
                raise self.diverged(self.done - 1, loss, norm, where)
        self.parts.checkpoints.save(self.checkpoint())

    def checkpoint(self) -> Checkpoint:
        """The state after the last step; all were read out."""
        # A copy: torch writes all of the memory that a view shows a part of.
        values = self.values[: self.read].clone()
        return Checkpoint(self.done, self.learner.state_dict(), values, self.validated)

    def validate(self, recorder: Recorder) -> None:
        """Score and draw a few photos of the validation split, if there are any."""
        with self.learner.averaged():
            loss = self.parts.validation.loss(self.learner.validation_loss, self.parts.device)
            if loss is not None:
                self.validated[self.done] = loss
                recorder.metrics(self.done, {"val_loss": loss})
            for name, rgb in self.parts.validation.pictures():
                recorder.picture(name, self.done, rgb)

    def diverged(self, step: int, loss: float, norm: float, where: str = "") -> HuescapeError:
        """What to say when step `step` (0 is the first) gave something that is no number."""
        last = self.parts.checkpoints.latest()
        kept = "there was no checkpoint yet" if last is None else f"step {last.step} is kept"
        return HuescapeError(
            f"training stopped at step {step + 1}: loss {loss:g}, gradient norm {norm:g}{where}; "
            f"{kept} in {self.parts.checkpoints.folder}; lower systems.<name>.optimizer.lr "
            f"(now {self.parts.schedule.lr:g})"
        )

    def interrupted(self) -> Interrupted:
        """What to say when the user stops the run."""
        return Interrupted(
            f"interrupted after step {self.done} of {self.parts.steps}; "
            "the same command goes on from there"
        )

    def history(self) -> list[HistoryRow]:
        """The curve of the whole run, earlier parts of an interrupted one included."""
        steps = self.parts.steps
        width = max(1, steps // _HISTORY_ROWS)
        rows = []
        for first in range(0, steps, width):
            last = min(first + width, steps)
            values = self.values[first:last].double().numpy()
            loss, norm, *more = values.mean(axis=0).tolist()
            rate = self.parts.schedule.rate((last - 1) / steps)
            named = dict(zip(self.learner.columns[2:], more, strict=True))
            seen = [self.validated[n] for n in range(first + 1, last + 1) if n in self.validated]
            rows.append(HistoryRow(last, loss, rate, norm, seen[-1] if seen else None, named))
        return rows


def _postfix(values: dict[str, Any]) -> str:
    return f"loss {values['loss']:.4f}, {values['images_per_second']:.0f} images/s"
