"""The optimizers, by name, and the learning rate as a function of the share of the run."""

from __future__ import annotations

import torch
from torch import nn

from huescape.params.systems import OptimizerParams


def build_optimizer(params: OptimizerParams, network: nn.Module) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD (whose momentum is the first of `betas`) over what is trained."""
    weights = [p for p in network.parameters() if p.requires_grad]
    decay, fused = params.weight_decay, weights[0].device.type in ("cpu", "cuda")
    if params.name == "sgd":
        return torch.optim.SGD(
            weights, params.lr, momentum=params.betas[0], weight_decay=decay, fused=fused
        )
    kind = torch.optim.AdamW if params.name == "adamw" else torch.optim.Adam
    return kind(weights, params.lr, betas=params.betas, weight_decay=decay, fused=fused)


def learning_rate(params: OptimizerParams, progress: float) -> float:
    """lr times the factor of each milestone at or before `progress`, both shares of the run."""
    rate = params.lr
    for share, factor in zip(params.milestones, params.factors, strict=True):
        rate *= factor if progress >= share else 1.0
    return rate


def set_learning_rate(
    optimizer: torch.optim.Optimizer, params: OptimizerParams, progress: float
) -> None:
    """Give every parameter of `optimizer` the rate of this moment of the run."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(params, progress)
