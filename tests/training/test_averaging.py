"""The average of weights, against a slow one; it is what is judged, and leaves training alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from huescape.training.averaging import Average


def network() -> nn.Sequential:
    torch.manual_seed(0)
    frozen = nn.Linear(3, 3).requires_grad_(False)
    return nn.Sequential(frozen, nn.Linear(3, 2), nn.BatchNorm1d(2))


def walk(net: nn.Module, steps: int, seed: int = 0) -> None:
    """Some steps of a random walk of the trained weights, with batches for the statistics."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        net.train()(torch.randn(5, 3, generator=generator))
        with torch.no_grad():
            for parameter in net.parameters():
                if parameter.requires_grad:
                    parameter += 0.1 * torch.randn(parameter.shape, generator=generator)


def slow_average(history: list[dict[str, Tensor]], decay: float) -> dict[str, Tensor]:
    found = {name: value.double() for name, value in history[0].items()}
    for n, state in enumerate(history[1:], start=1):
        kept = min(decay, (1 + n) / (10 + n))
        for name, value in state.items():
            found[name] = kept * found[name] + (1 - kept) * value.double()
    return found


def recorded(net: nn.Module, average: Average, steps: int) -> list[dict[str, Tensor]]:
    history = []
    for step in range(steps):
        walk(net, 1, step)
        average.update()
        state = copy.deepcopy(net.state_dict())
        history.append({k: v for k, v in state.items() if v.is_floating_point()})
    return history


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.95])
def test_is_the_slow_average_of_weights_and_statistics(decay: float) -> None:
    net = network()
    average = Average(net, decay)
    history = recorded(net, average, 40)
    before = copy.deepcopy(net.state_dict())
    with average.shown():
        shown = copy.deepcopy(net.state_dict())
    for name, value in slow_average(history, decay).items():
        torch.testing.assert_close(shown[name].double(), value, rtol=1e-5, atol=1e-6, msg=name)
        assert torch.equal(net.state_dict()[name], before[name]), name
    assert int(shown["2.num_batches_tracked"]) == 40
    average.settle()
    assert all(torch.equal(net.state_dict()[name], shown[name]) for name in shown)


def test_once_warm_it_is_that_of_torch() -> None:
    net = network()
    average = Average(net, 0.15)  # (1 + 1) / (10 + 1) is more from the first step on
    theirs = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.15), use_buffers=True)
    for step in range(10):
        walk(net, 1, step)
        average.update()
        theirs.update_parameters(net)
    with average.shown():
        for name, parameter in net.named_parameters():
            torch.testing.assert_close(parameter, theirs.module.get_parameter(name))


def test_goes_on_from_its_state_to_the_same_bits() -> None:
    net = network()
    whole = Average(net, 0.9)
    recorded(net, whole, 7)
    again = Average(net, 0.9)
    again.load_state_dict(copy.deepcopy(whole.state_dict()))
    walk(net, 1, 99)
    for average in (whole, again):
        average.update()
    first, second = whole.state_dict(), again.state_dict()
    assert first["count"] == second["count"] == 8
    assert all(torch.equal(first["values"][k], second["values"][k]) for k in first["values"])
    assert not any(name.startswith("0.") for name in first["values"])  # what is frozen


def test_before_the_first_step_the_weights_are_the_networks_own() -> None:
    net = network()
    before = copy.deepcopy(net.state_dict())
    average = Average(net, 0.9)
    again = Average(net, 0.9)
    again.load_state_dict(average.state_dict())
    with again.shown():
        assert all(torch.equal(net.state_dict()[name], before[name]) for name in before)
