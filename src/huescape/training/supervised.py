"""The usual learner: one network, one loss, one optimizer."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from huescape.params.systems import SystemParams
from huescape.training import compilation, devices
from huescape.training.batches import Batch
from huescape.training.optimizers import build_optimizer, set_learning_rate


class SupervisedLearner:
    """Lowers `loss` of what `network` gives; both are on `device`.

    With `params.compile` its steps run a compiled copy of the network's code on the same weights;
    everything else, the state dict included, is that of the plain network. Raises ParamsError
    where nothing can be compiled.
    """

    columns: tuple[str, ...] = ("loss", "grad_norm")

    def __init__(
        self, network: nn.Module, loss: nn.Module, params: SystemParams, device: torch.device
    ) -> None:
        self.network, self.loss, self.params, self.device = network, loss, params, device
        self.optimizer = build_optimizer(params.optimizer, network)
        self._running = compilation.compiled(network, device) if params.compile else network
        self._trained = [p for p in network.parameters() if p.requires_grad]

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update; the loss and the norm of its gradient."""
        self.network.train()
        set_learning_rate(self.optimizer, self.params.optimizer, progress)
        self.optimizer.zero_grad(set_to_none=True)
        explained = compilation.explained(self.device) if self.params.compile else nullcontext()
        with explained:
            loss = self._loss(self._running, batch)
            loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.get_total_norm([p.grad for p in self._trained if p.grad is not None])
        self.optimizer.step()
        return torch.stack((loss.detach(), norm))

    def validation_loss(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        return self._loss(self.network, batch)

    def state_dict(self) -> dict[str, Any]:
        """The weights and the optimizer."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        with devices.autocast(self.device, self.params.precision):
            output_NChw = network(batch.input_N1HW)
        loss: Tensor = self.loss(output_NChw, batch.targets)
        return loss
