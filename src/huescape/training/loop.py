"""The training loop: steps, readouts, checkpoints, and going on where an earlier run stopped.

Shape suffixes: N photos, 1 channel, H rows, W columns, Q bins.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from huescape.errors import HuescapeError
from huescape.losses import build_loss
from huescape.progress import bar
from huescape.shards import ShardSet
from huescape.systems import System
from huescape.training import devices
from huescape.training.batches import Batch, Batches
from huescape.training.checkpoints import Checkpoint, CheckpointFolder
from huescape.training.interrupts import Interrupted, StopRequest, stop_request
from huescape.training.optimizers import build_optimizer, learning_rate
from huescape.training.recorder import Recorder, Silent
from huescape.training.samples import Validation

# Steps between two readings of the losses: each reading waits for the device.
READ_EVERY = 20
# A history has about this many rows, whatever the number of steps.
_HISTORY_ROWS = 200


@dataclass(frozen=True)
class HistoryRow:
    """Means over the steps since the row before; `lr` is that of the last of them."""

    step: int
    loss: float
    lr: float
    grad_norm: float


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
    with devices.reproducible(device), stop_request() as stop:
        devices.keep_freed_memory()
        trainer = _Trainer(system, shards, class_weights_Q, device, checkpoint_dir)
        trainer.run(recorder or Silent(), stop)
        return trainer.history()


class _Trainer:
    """The state of a run; `values` are the loss and gradient norm of each finished step."""

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
        self.network = system.network.to(device)
        self.optimizer = build_optimizer(params.optimizer, self.network)
        self.loss = build_loss(params.loss.name, params.loss.options)
        weights_Q = torch.as_tensor(class_weights_Q, dtype=torch.float32, device=device)
        self.class_weights_Q = weights_Q if params.loss.weighted else None
        self.batches = Batches(
            shards, system.space, params.augmentation, size=params.batch, seed=params.seed
        )
        _check_stride(system, int(shards.meta["stride"]))
        self.validation = Validation(system, shards, self.batches)
        self.checkpoints = CheckpointFolder(checkpoint_dir)
        self.pending: list[Tensor] = []
        self.values: list[tuple[float, float]] = []
        self.restore()

    @property
    def done(self) -> int:
        """Number of steps taken, read out or not."""
        return len(self.values) + len(self.pending)

    def restore(self) -> None:
        """Take over the last checkpoint, if there is one."""
        checkpoint = self.checkpoints.latest()
        if checkpoint is not None:
            self.network.load_state_dict(checkpoint.network)
            self.optimizer.load_state_dict(checkpoint.optimizer)
            self.values = list(checkpoint.values)

    def run(self, recorder: Recorder, stop: StopRequest) -> None:
        """All steps that are left."""
        steps, params = self.params.steps, self.params
        shown: tqdm[Any]
        with bar(total=steps, desc="train", unit="step", initial=self.done) as shown:
            since, images = time.perf_counter(), 0
            while self.done < steps:
                self.step(self.done)
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

    def step(self, step: int) -> None:
        """One batch; the loss and the norm of the gradient stay on the device."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.params.optimizer, step, self.params.steps)
        batch = self.batches.train(step).to(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        try:
            loss = self.batch_loss(batch)
            loss.backward()  # type: ignore[no-untyped-call]
        except torch.OutOfMemoryError as error:
            crop = self.params.augmentation.crop
            raise devices.explain_out_of_memory(self.params.batch, crop) from error
        grads = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads)
        self.optimizer.step()
        self.pending.append(torch.stack((loss.detach(), norm)))

    def batch_loss(self, batch: Batch) -> Tensor:
        """The loss of a batch that is on the device."""
        with devices.autocast(self.device, self.params.precision):
            logits_NQhw = self.network(
                batch.input_N1HW.contiguous(memory_format=torch.channels_last)
            )
        return self.loss(
            logits_NQhw, batch.index_NhwK, batch.weight_NhwK, self.class_weights_Q, batch.mask_Nhw
        )

    def read_out(self) -> dict[str, float]:
        """Bring the pending values over in one go; HuescapeError at the first that is no number."""
        first = len(self.values)
        read: list[list[float]] = torch.stack(self.pending).tolist() if self.pending else []
        self.pending.clear()
        for offset, (loss, norm) in enumerate(read):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self.diverged(first + offset, loss, norm)
        self.values += [(loss, norm) for loss, norm in read]
        mean_loss, mean_norm = (float(np.mean(column)) for column in zip(*read, strict=True))
        rate = learning_rate(self.params.optimizer, self.done - 1, self.params.steps)
        return {"loss": mean_loss, "lr": rate, "grad_norm": mean_norm}

    def save(self) -> None:
        """Write a checkpoint, unless an update has already spoilt the weights."""
        network = self.network.state_dict()
        for name, tensor in network.items():
            if not torch.isfinite(tensor).all():
                where = f", and its update left {name} not finite"
                raise self.diverged(self.done - 1, *self.values[-1], where)
        self.checkpoints.save(
            Checkpoint(self.done, network, self.optimizer.state_dict(), self.values)
        )

    def validate(self, recorder: Recorder) -> None:
        """Score and draw a few photos of the validation split, if there are any."""
        loss = self.validation.loss(self.batch_loss, self.device)
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
            loss, norm = np.mean(self.values[first:last], axis=0).tolist()
            rate = learning_rate(self.params.optimizer, last - 1, steps)
            rows.append(HistoryRow(last, loss, rate, norm))
        return rows


def _check_stride(system: System, stride: int) -> None:
    own = int(cast(int, system.network.stride))
    if own != stride:
        raise HuescapeError(
            f"the targets of quantizer {system.params.quantizer!r} have stride {stride}, but "
            f"network {system.params.network.name!r} has stride {own}; "
            f"set quantizers.<name>.encode.stride to {own}"
        )


def _postfix(values: dict[str, Any]) -> str:
    return f"loss {values['loss']:.4f}, {values['images_per_second']:.0f} images/s"
