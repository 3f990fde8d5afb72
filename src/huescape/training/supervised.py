"""The usual learner: one network, one loss, one optimizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from huescape.params.systems import SystemParams
from huescape.training import devices
from huescape.training.batches import Batch
from huescape.training.optimizers import build_optimizer, set_learning_rate


class SupervisedLearner:
    """Lowers `loss` of what `network` gives; both are on `device`."""

    columns: tuple[str, ...] = ("loss", "grad_norm")

    def __init__(
        self, network: nn.Module, loss: nn.Module, params: SystemParams, device: torch.device
    ) -> None:
        self.network, self.loss, self.params, self.device = network, loss, params, device
        self.optimizer = build_optimizer(params.optimizer, network)
        self._trained = [p for p in network.parameters() if p.requires_grad]

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update; the loss and the norm of its gradient."""
        self.network.train()
        set_learning_rate(self.optimizer, self.params.optimizer, progress)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.validation_loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.get_total_norm([p.grad for p in self._trained if p.grad is not None])
        self.optimizer.step()
        return torch.stack((loss.detach(), norm))

    def validation_loss(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        with devices.autocast(self.device, self.params.precision):
            output_NChw = self.network(batch.input_N1HW)
        loss: Tensor = self.loss(output_NChw, batch.targets)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The weights and the optimizer."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
