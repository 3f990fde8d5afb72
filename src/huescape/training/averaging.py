"""Averaged weights: an exponential moving average over the steps of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Average:
    """The average of a network's weights, which begins with those after the first step.

    After n further steps the average keeps min(decay, (1 + n) / (10 + n)) of itself, so that the
    first weights are soon forgotten, and takes the rest from the weights of the step.

    Running statistics are averaged like the weights that they belong to: of weights that move
    little, what layers give is nearly linear in them, so that the mean of their statistics is
    nearly that of the mean weights. Integers (batch norm's counters) stay the network's own. What
    is frozen is the average of itself, and is left out.

    torch's own `AveragedModel` copies the whole network, frozen parts too, takes statistics from
    the last step, and asks the device at each step how many there were; the arithmetic is its
    `get_ema_multi_avg_fn`.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self._count = 0
        self._values: dict[str, Tensor] = {}

    def update(self) -> None:
        """Take in the weights after a step."""
        current = self._current()
        if not self._count:
            self._values = {name: tensor.clone() for name, tensor in current.items()}
        else:
            kept = min(self._decay, (1 + self._count) / (10 + self._count))
            averaged = list(self._values.values())
            average = get_ema_multi_avg_fn(kept)  # type: ignore[no-untyped-call]
            average(averaged, list(current.values()), self._count)
        self._count += 1

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Within, the network has the averaged weights; then its own again, bit by bit."""
        own = {name: tensor.clone() for name, tensor in self._current().items()}
        self.settle()
        try:
            yield
        finally:
            self._put(own)

    def settle(self) -> None:
        """Leave the averaged weights in the network, if there was a step."""
        self._put(self._values)

    def state_dict(self) -> dict[str, Any]:
        """The averaged values by name, and the number of steps."""
        return {"values": self._values, "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; raises KeyError or RuntimeError where it is not it."""
        current = self._current()
        given = state["values"]
        # Each where the network has it, and laid out as there: sums depend on neither, speed does.
        self._values = {
            name: torch.empty_like(tensor).copy_(given[name])
            for name, tensor in current.items()
            if given
        }
        self._count = int(state["count"])

    def _current(self) -> dict[str, Tensor]:
        """What is averaged, without gradients: trained weights, and running statistics."""
        trained = {n: p.detach() for n, p in self._network.named_parameters() if p.requires_grad}
        buffers = {n: b for n, b in self._network.named_buffers() if b.is_floating_point()}
        return trained | buffers

    def _put(self, values: dict[str, Tensor]) -> None:
        current = self._current()
        for name, value in values.items():
            current[name].copy_(value)
