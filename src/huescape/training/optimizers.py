"""The optimizers, by name, and the learning rate as a function of the step."""

from __future__ import annotations

import torch
from torch import nn

from huescape.params.systems import OptimizerParams


def build_optimizer(params: OptimizerParams, network: nn.Module) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD (whose momentum is the first of `betas`) over the network's parameters."""
    weights = list(network.parameters())
    decay, fused = params.weight_decay, weights[0].device.type in ("cpu", "cuda")
    if params.name == "sgd":
        return torch.optim.SGD(
            weights, params.lr, momentum=params.betas[0], weight_decay=decay, fused=fused
        )
    kind = torch.optim.AdamW if params.name == "adamw" else torch.optim.Adam
    return kind(weights, params.lr, betas=params.betas, weight_decay=decay, fused=fused)


def learning_rate(params: OptimizerParams, step: int, steps: int) -> float:
    """lr times gamma for each milestone (a share of the run) that lies at or before `step`."""
    passed = sum(step >= share * steps for share in params.milestones)
    return params.lr * float(params.gamma**passed)
