"""The flat network: its size, its shapes, its reach, and what a fresh one looks like."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from huescape import networks


@pytest.mark.parametrize(
    ("options", "outputs", "total"),
    [
        ({}, 32, 28_352),
        ({"width": 50, "second": 50}, 32, 37_482),
        ({"width": 3, "second": 2}, 5, 181),
    ],
)
def test_parameter_count(options: dict[str, int], outputs: int, total: int) -> None:
    first, second = options.get("width", 64), options.get("second", 32)
    by_layer = [(1, first), (first, second), (second, outputs)]
    assert sum(9 * before * after + after for before, after in by_layer) == total
    network = networks.build("flat", options, outputs)
    assert networks.parameter_count(network) == total
    assert len([m for m in network.modules() if isinstance(m, nn.Conv2d)]) == 3


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 13), (64, 32)])
def test_logits_have_the_resolution_of_the_input(height: int, width: int) -> None:
    network = networks.build("flat", {"width": 2}, 5)
    assert network(torch.zeros(2, 1, height, width)).shape == (2, 5, height, width)
    assert (network.multiple, network.stride) == (1, 1)


def test_a_pixel_sees_seven_by_seven() -> None:
    torch.manual_seed(0)
    network = networks.build("flat", {"width": 8}, 5)
    x = torch.randn(1, 1, 15, 15, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x)[0, :, 7, 7].sum(), x)
    seen = gradient[0, 0] != 0
    assert seen[4:11, 4:11].float().mean() > 0.9
    seen[4:11, 4:11] = False
    assert not seen.any()


def test_agrees_with_sums_over_windows() -> None:
    torch.manual_seed(0)
    network = networks.build("flat", {"width": 3, "second": 2}, 4).double()
    gray = x = torch.rand(1, 1, 6, 7, dtype=torch.float64) - 0.5
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for k, layer in enumerate(layers):
        window = torch.nn.functional.unfold(x, 3, padding=1)
        assert layer.bias is not None
        x = (layer.weight.flatten(1) @ window + layer.bias[:, None]).reshape(1, -1, 6, 7)
        x = x.clamp(min=0) if k < 2 else x
    torch.testing.assert_close(network(gray), x)


def test_no_rectifier_after_the_head() -> None:
    torch.manual_seed(0)
    logits = networks.build("flat", {}, 32)(torch.randn(1, 1, 16, 16))
    assert logits.min() < 0 < logits.max()


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = networks.build("flat", {"width": 4}, 5)
    network(torch.randn(2, 1, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
