"""What the training loop drives: something that learns from one batch after another.

Beside it stands torch.compile for the forward and backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.losses import Loss
from huescape.losses.targets import at_positions
from huescape.networks import Network
from huescape.training import processes
from huescape.training.batches import Batch
from huescape.training.descent import Descent

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

    def averaged(self) -> AbstractContextManager[None]:
        """Within, the network has the weights that count: averages, where they are averaged."""

    def spread(self) -> None:
        """From now on, take steps together with other processes."""

    def finish(self) -> None:
        """Leave the weights that count in the network, after the last step."""

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
        network: Network,
        loss: Loss,
        descent: Descent,
        autocast: Autocast,
        running: nn.Module | None = None,
    ) -> None:
        self.network, self.loss, self.descent, self.autocast = network, loss, descent, autocast
        self._running = network if running is None else running
        self._is_compiled = running is not None

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update; the loss and the norm of its gradient."""
        self.network.train()
        with explained(batch.input_N1HW.device) if self._is_compiled else nullcontext():
            loss = processes.scaled(self._loss(self._running, batch))
            norm = self.descent.descend(loss, progress)
        return torch.stack((self._told(loss.detach(), batch), norm))

    def validation_loss(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        return self._told(self._loss(self.network, batch), batch)

    def averaged(self) -> AbstractContextManager[None]:
        """Within, the network has the averaged weights, if there are any."""
        return self.descent.averaged()

    def spread(self) -> None:
        """From now on, take steps together with other processes."""
        self._running = processes.spread(self.network, some_unused=self.network.classes is not None)

    def finish(self) -> None:
        """Leave the averaged weights in the network, if there are any."""
        self.descent.finish()

    def state_dict(self) -> dict[str, Any]:
        """The weights, the optimizer and the average."""
        return {"network": self.network.own_state(), "descent": self.descent.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.network.load_own_state(state["network"])
        self.descent.load_state_dict(state["descent"])

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        with self.autocast():
            output_NChw = network(batch.input_N1HW)
        if batch.positions_NP is not None:
            output_NChw = at_positions(output_NChw, batch.positions_NP)
        loss: Tensor = self.loss(output_NChw, batch.targets)
        return loss

    def _told(self, loss: Tensor, batch: Batch) -> Tensor:
        return self.loss.per_pixel(loss, batch.targets.batch_Mhw)


def compiled(network: nn.Module, device: torch.device) -> nn.Module:
    """`network`, compiled for inputs of one shape; it shares the weights of the plain one.

    The compiler itself runs at the first step. Here something tiny is compiled, for a compiler
    that is missing (a C++ compiler for the CPU, Triton and a C compiler for CUDA) would stop the
    run only then.

    Raises:
        ParamsError: nothing can be compiled for `device` here.
    """
    # The compiler is told too: `devices.reproducible` passed it over while it was not loaded.
    torch.use_deterministic_algorithms(torch.are_deterministic_algorithms_enabled())
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
