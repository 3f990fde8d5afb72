"""What the training loop drives: something that learns from one batch after another.

Beside it stand what each of them is made of: an optimizer with its schedule, and torch.compile for
the forward and backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.losses import Loss
from huescape.params.systems import OptimizerParams
from huescape.training.batches import Batch

Autocast = Callable[[], AbstractContextManager[object]]


class Learner(Protocol):
    """Networks with their optimizers; `columns` names the values of each step.

    The first two are `loss` and `grad_norm`; batches are on the networks' device.
    """

    @property
    def network(self) -> nn.Module:
        """What is trained."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what `step` returns."""

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update at `progress` (share of the run), and its values, still on the device."""

    def validation_loss(self, batch: Batch) -> Tensor:
        """The loss without an update; the caller has switched the network to evaluation."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on: weights and optimizers."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""


class SupervisedLearner:
    """The usual one: lowers `loss` of what `network` gives; both are on one device.

    The losses that it tells are means over pixels, whatever is lowered (see `Loss.per_pixel`).

    Steps run `running`, the network or a compiled copy of its code on the same weights; everything
    else, the state dict included, is that of the plain network.
    """

    columns: tuple[str, ...] = ("loss", "grad_norm")

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        descent: Descent,
        autocast: Autocast,
        running: nn.Module | None = None,
    ) -> None:
        self.network, self.loss, self.descent, self.autocast = network, loss, descent, autocast
        self._running = network if running is None else running
        self._trained = [p for p in network.parameters() if p.requires_grad]

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update; the loss and the norm of its gradient."""
        self.network.train()
        optimizer = self.descent.at(progress)
        optimizer.zero_grad(set_to_none=True)
        compiled = self._running is not self.network
        with explained(batch.input_N1HW.device) if compiled else nullcontext():
            loss = self._loss(self._running, batch)
            loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.get_total_norm([p.grad for p in self._trained if p.grad is not None])
        optimizer.step()
        return torch.stack((self._told(loss.detach(), batch), norm))

    def validation_loss(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        return self._told(self._loss(self.network, batch), batch)

    def state_dict(self) -> dict[str, Any]:
        """The weights and the optimizer."""
        optimizer = self.descent.optimizer.state_dict()
        return {"network": self.network.state_dict(), "optimizer": optimizer}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.descent.optimizer.load_state_dict(state["optimizer"])

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        with self.autocast():
            output_NChw = network(batch.input_N1HW)
        loss: Tensor = self.loss(output_NChw, batch.targets)
        return loss

    def _told(self, loss: Tensor, batch: Batch) -> Tensor:
        return self.loss.per_pixel(loss, batch.targets.mask_Nhw)


@dataclass(frozen=True)
class Schedule:
    """The learning rate: `lr` times the factor of each milestone that the run has passed."""

    lr: float
    milestones: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()

    def rate(self, progress: float) -> float:
        """The rate at `progress`; it and the milestones are shares of the run."""
        rate = self.lr
        for share, factor in zip(self.milestones, self.factors, strict=True):
            rate *= factor if progress >= share else 1.0
        return rate


@dataclass(frozen=True)
class Descent:
    """An optimizer with its schedule."""

    optimizer: torch.optim.Optimizer
    schedule: Schedule

    def at(self, progress: float) -> torch.optim.Optimizer:
        """The optimizer, with the rate of this moment of the run."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(progress)
        return self.optimizer


def descent(params: OptimizerParams, network: nn.Module) -> Descent:
    """Adam, AdamW or SGD (whose momentum is the first of `betas`) over what is trained."""
    weights = [p for p in network.parameters() if p.requires_grad]
    fused = weights[0].device.type in ("cpu", "cuda")
    shared: dict[str, Any] = {"weight_decay": params.weight_decay, "fused": fused}
    optimizer: torch.optim.Optimizer
    if params.name == "sgd":
        optimizer = torch.optim.SGD(weights, params.lr, momentum=params.betas[0], **shared)
    else:
        kind = torch.optim.AdamW if params.name == "adamw" else torch.optim.Adam
        optimizer = kind(weights, params.lr, betas=params.betas, **shared)
    return Descent(optimizer, schedule(params))


def schedule(params: OptimizerParams) -> Schedule:
    """The learning rate that the parameters of an optimizer name."""
    return Schedule(params.lr, params.milestones, params.factors)


def compiled(network: nn.Module, device: torch.device) -> nn.Module:
    """`network`, compiled for inputs of one shape; it shares the weights of the plain one.

    The compiler itself runs at the first step. Here something tiny is compiled, for a compiler
    that is missing (a C++ compiler for the CPU, Triton and a C compiler for CUDA) would stop the
    run only then.

    Raises:
        ParamsError: nothing can be compiled for `device` here.
    """
    with explained(device, OSError):  # of a cache folder that cannot be made, say
        _try_out(device)
    return cast(nn.Module, torch.compile(network, dynamic=False))


@contextmanager
def explained(device: torch.device, *more: type[Exception]) -> Iterator[None]:
    """Turn what the compiler raises, and `more`, into one line."""
    from torch._dynamo.exc import TorchDynamoException  # slow to import, and seldom needed

    refusals: tuple[type[Exception], ...] = (TorchDynamoException, ImportError, *more)
    try:
        yield
    except refusals as error:
        reason = " ".join(str(error).split())
        raise ParamsError(
            f"systems.<name>.compile is true, but torch.compile does not work on {device} here; "
            f"allowed: false ({type(error).__name__}: {reason[:200]})"
        ) from error


def _try_out(device: torch.device) -> None:
    """Compile a forward and a backward pass of two numbers."""
    numbers = torch.ones(2, device=device, requires_grad=True)
    torch.compile(_wave, dynamic=False)(numbers).backward()  # type: ignore[no-untyped-call]


def _wave(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.sin().sum()
