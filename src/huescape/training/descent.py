"""How weights are updated: an optimizer with its schedule, clipping and averaging."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from huescape.params.systems import OptimizerParams
from huescape.training.averaging import Average

# Where a warm-up begins, as a share of the rate; from 0, the first step would change nothing.
_COLD = 0.01


@dataclass(frozen=True)
class Schedule:
    """The learning rate by the share of the run.

    A line up to `lr` over the share `warmup`; then `lr` times the factor of each milestone that the
    run has passed, or half a cosine down to 0.
    """

    lr: float
    milestones: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()
    cosine: bool = False
    warmup: float = 0.0

    def rate(self, progress: float) -> float:
        """The rate at `progress`; it and the milestones are shares of the run."""
        if progress < self.warmup:
            return self.lr * (_COLD + (1 - _COLD) * progress / self.warmup)
        if self.cosine:
            done = (progress - self.warmup) / (1 - self.warmup)
            return self.lr * (1 + math.cos(math.pi * done)) / 2
        rate = self.lr
        for share, factor in zip(self.milestones, self.factors, strict=True):
            rate *= factor if progress >= share else 1.0
        return rate


@dataclass(frozen=True)
class Descent:
    """An optimizer with its schedule.

    Each group of its parameters has a `share` of the schedule's rate. `clip` is the largest norm of
    the gradient of all of them, `average` an average of the network's weights; None for neither.
    """

    optimizer: torch.optim.Optimizer
    schedule: Schedule
    clip: float | None = None
    average: Average | None = None

    def at(self, progress: float) -> torch.optim.Optimizer:
        """The optimizer, with the rate of this moment of the run."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(progress) * group["share"]
        return self.optimizer

    def descend(self, loss: Tensor, progress: float) -> Tensor:
        """One update down `loss`; the norm of its gradient, before it is clipped."""
        optimizer = self.at(progress)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
        if self.clip is not None:
            nn.utils.clip_grads_with_norm_(trained, self.clip, norm)
        optimizer.step()
        if self.average is not None:
            self.average.update()
        return norm

    def averaged(self) -> AbstractContextManager[None]:
        """Within, the network has the averaged weights, if there are any."""
        return nullcontext() if self.average is None else self.average.shown()

    def finish(self) -> None:
        """Leave the averaged weights in the network, if there are any."""
        if self.average is not None:
            self.average.settle()

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state, and the average's."""
        average = None if self.average is None else self.average.state_dict()
        return {"optimizer": self.optimizer.state_dict(), "average": average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])


def descent(
    params: OptimizerParams, network: nn.Module, slow: Iterable[nn.Parameter] = ()
) -> Descent:
    """Adam, AdamW or SGD (whose momentum is the first of `betas`) over what is trained.

    The parameters `slow` of the network have `params.slow` of the rate.
    """
    groups = _groups(params, network, slow)
    fused = groups[0]["params"][0].device.type in ("cpu", "cuda")
    optimizer: torch.optim.Optimizer
    if params.name == "sgd":
        optimizer = torch.optim.SGD(groups, params.lr, momentum=params.betas[0], fused=fused)
    else:
        kind = torch.optim.AdamW if params.name == "adamw" else torch.optim.Adam
        optimizer = kind(groups, params.lr, betas=params.betas, fused=fused)
    average = None if params.average is None else Average(network, params.average)
    return Descent(optimizer, schedule(params), params.clip, average)


def schedule(params: OptimizerParams) -> Schedule:
    """The learning rate that the parameters of an optimizer name."""
    is_cosine = params.schedule == "cosine"
    return Schedule(params.lr, params.milestones, params.factors, is_cosine, params.warmup)


def _groups(
    params: OptimizerParams, network: nn.Module, slow: Iterable[nn.Parameter]
) -> list[dict[str, Any]]:
    """What is trained, by share of the rate and by decay, in the network's order."""
    slowly = {id(parameter) for parameter in slow}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            share = params.slow if id(parameter) in slowly else 1.0
            decays = params.decay == "all" or parameter.ndim > 1
            key = share, params.weight_decay if decays else 0.0
            groups.setdefault(key, []).append(parameter)
    return [
        {"params": weights, "share": share, "weight_decay": decay}
        for (share, decay), weights in groups.items()
    ]
