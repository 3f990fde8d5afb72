"""What the training loop drives: something that learns from one batch after another."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from huescape.training.batches import Batch


class Learner(Protocol):
    """Networks with their optimizers; `columns` names the values of each step.

    The first two are `loss` and `grad_norm`; batches are on the networks' device.
    """

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
