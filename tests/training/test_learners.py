"""The schedule is a function of the step; each optimizer is the one that its name says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from huescape.params.systems import OptimizerParams
from huescape.training.learners import descent, schedule


def test_the_rate_falls_at_each_milestone() -> None:
    params = OptimizerParams(lr=1.0, milestones=(0.6, 0.85), gamma=0.2)
    rates = [schedule(params).rate(step / 100) for step in range(100)]
    expected = [1.0] * 60 + [0.2] * 25 + [0.04] * 15
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("adam", lambda w: torch.optim.Adam(w, 0.1, betas=(0.8, 0.9), weight_decay=0.3)),
        ("adamw", lambda w: torch.optim.AdamW(w, 0.1, betas=(0.8, 0.9), weight_decay=0.3)),
        ("sgd", lambda w: torch.optim.SGD(w, 0.1, momentum=0.8, weight_decay=0.3)),
    ],
)
def test_takes_the_steps_of_the_plain_optimizer(name: str, plain: object) -> None:
    params = OptimizerParams(name=name, lr=0.1, betas=(0.8, 0.9), weight_decay=0.3)  # type: ignore[arg-type]
    results = []
    for build in (lambda n: descent(params, n).at(0.0), lambda n: plain(n.parameters())):  # type: ignore[operator]
        layer = nn.Linear(3, 2)
        nn.init.constant_(layer.weight, 0.5)
        nn.init.zeros_(layer.bias)
        optimizer = build(layer)
        for k in range(5):
            optimizer.zero_grad()
            layer(torch.tensor([1.0, 2.0, -k])).square().sum().backward()
            optimizer.step()
        results.append(layer.weight.detach().clone())
    torch.testing.assert_close(results[0], results[1], rtol=1e-5, atol=1e-6)
