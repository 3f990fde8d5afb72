"""Schedules are torch's, clipping shortens the whole gradient, and groups get their shares."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from huescape.params.systems import OptimizerParams
from huescape.training.descent import descent, schedule


def test_the_rate_falls_at_each_milestone() -> None:
    params = OptimizerParams(lr=1.0, milestones=(0.6, 0.85), gamma=0.2)
    rates = [schedule(params).rate(step / 100) for step in range(100)]
    expected = [1.0] * 60 + [0.2] * 25 + [0.04] * 15
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("warm", [0, 13])
def test_a_cosine_is_that_of_torch(warm: int) -> None:
    """Over the steps after the warm-up, which rises in a line from a hundredth."""
    steps, params = 100, OptimizerParams(lr=0.3, schedule="cosine", warmup=warm / 100)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - warm)
    rates = [schedule(params).rate(step / steps) for step in range(steps)]
    for rate in rates[warm:]:
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
        optimizer.step()
        theirs.step()
    line = [0.3 * (0.01 + 0.99 * step / warm) for step in range(warm)] if warm else []
    assert rates[:warm] == pytest.approx(line)
    assert schedule(params).rate(1.0) == pytest.approx(0)


def test_a_warm_up_goes_before_milestones_too() -> None:
    params = OptimizerParams(lr=1.0, milestones=(0.5,), warmup=0.2)
    rates = [schedule(params).rate(share) for share in (0, 0.1, 0.2, 0.4, 0.5)]
    assert rates == pytest.approx([0.01, 0.505, 1, 1, 0.1])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"schedule": "cosine", "milestones": (0.5,)}, r"allowed with cosine: \[\]"),
        ({"warmup": 0.6, "milestones": (0.5,)}, "warmup is 0.6; allowed: at most the first of"),
        ({"warmup": 1.0}, "less than 1"),
        ({"clip": 0.0}, "greater than 0"),
        ({"average": 1.0}, "less than 1"),
        ({"slow": 0.0}, "greater than 0"),
        ({"decay": "none"}, "all.*matrices"),
    ],
)
def test_what_is_not_allowed_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        OptimizerParams.model_validate(values)


def small_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))


def loss_of(network: nn.Module, scale: float = 1.0) -> torch.Tensor:
    kind = next(network.parameters()).dtype
    photo = torch.linspace(-1, 1, 2 * 8 * 8, dtype=kind).reshape(2, 1, 8, 8)
    loss: torch.Tensor = scale * (network(photo) - 1).square().sum()
    return loss


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_clipping_shortens_the_gradient_and_tells_its_own_norm(name: str) -> None:
    """With steps of a gradient that is clipped by hand, over groups of both kinds.

    In double precision: Adam makes much of how the smallest gradients are rounded.
    """
    params = OptimizerParams.model_validate(
        {"name": name, "lr": 0.1, "weight_decay": 0.2, "decay": "matrices", "clip": 5.0}
    )
    network, by_hand = small_network().double(), small_network().double()
    learner = descent(params, network)
    plain = descent(params.model_copy(update={"clip": None}), by_hand)
    for step in range(4):
        norm = float(learner.descend(loss_of(network, 3.0), 0))
        loss = loss_of(by_hand, 3.0)
        grads = torch.autograd.grad(loss, list(by_hand.parameters()))
        expected = math.sqrt(sum(float(g.double().square().sum()) for g in grads))
        assert norm == pytest.approx(expected, rel=1e-4), step
        surrogate = sum(
            (p * g * min(1, 5 / expected)).sum()
            for p, g in zip(by_hand.parameters(), grads, strict=True)
        )
        assert isinstance(surrogate, torch.Tensor)
        plain.descend(surrogate, 0)
        for a, b in zip(network.parameters(), by_hand.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
    assert norm > 5


def test_decay_of_matrices_leaves_biases_and_norms() -> None:
    """Without a gradient, AdamW only decays: what has two dimensions or more, at its own rate."""
    params = OptimizerParams(name="adamw", lr=0.1, weight_decay=0.5, decay="matrices", slow=0.5)
    network = small_network()
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    learner = descent(params, network, slow=network[2].parameters())
    learner.descend(sum(p.sum() for p in network.parameters()) * torch.zeros(()), 0)
    for index, decayed in ((0, 0.95), (2, 0.975)):
        layer = network[index]
        assert isinstance(layer, nn.Conv2d)
        torch.testing.assert_close(layer.weight, torch.full_like(layer.weight, decayed))
    for name, parameter in network.named_parameters():
        if parameter.ndim == 1:
            assert (parameter == 1).all(), name
