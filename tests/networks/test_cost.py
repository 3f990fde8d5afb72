"""Costs against numbers computed by hand, and against a count of its own by module."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from huescape import networks
from huescape.networks.cost import cost_of

# 8 x 8 pixels: 3 x 3 kernels from 1 to 4 channels, then 1 x 1 from 4 to 3.
FIRST, SECOND = 8 * 8 * 4 * 9, 8 * 8 * 3 * 4


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))


def test_a_small_network_by_hand() -> None:
    assert cost_of(small(), 8) == {
        "parameters": 4 * 9 + 4 + 4 * 3 + 3,
        "trained_parameters": 55,
        "macs_per_photo_inference": FIRST + SECOND,
        # Backward: the gradient of both kernels, and of the second one's input.
        "macs_per_photo_training": (FIRST + SECOND) + (FIRST + SECOND) + SECOND,
        # float32: the photo, and 4 channels after ReLU, which two layers share.
        "activation_bytes_per_photo": 4 * (1 + 4) * 8 * 8,
        "input": "8x8",
    }


def test_frozen_parts_cost_no_training() -> None:
    network = small()
    network[0].requires_grad_(False)
    found = cost_of(network, 8)
    assert (found["parameters"], found["trained_parameters"]) == (55, 15)
    assert found["macs_per_photo_inference"] == FIRST + SECOND
    assert found["macs_per_photo_training"] == (FIRST + SECOND) + SECOND
    assert found["activation_bytes_per_photo"] == 4 * 4 * 8 * 8  # what the second layer reads


def test_strided_dilated_grouped_transposed_and_dense_layers() -> None:
    cases: list[tuple[nn.Module, int]] = [
        (nn.Conv2d(1, 6, 3, stride=2, padding=1), 4 * 4 * 6 * 9),
        (nn.Conv2d(1, 6, 3, dilation=2, padding=2), 8 * 8 * 6 * 9),
        (nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, padding=1, groups=4)), 64 * (4 + 36)),
        (nn.ConvTranspose2d(1, 6, 4, stride=2, padding=1), 8 * 8 * 6 * 16),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), 640),
    ]
    for network, macs in cases:
        assert cost_of(network, 8)["macs_per_photo_inference"] == macs


def test_the_network_itself_is_left_alone() -> None:
    network = nn.Sequential(small(), nn.BatchNorm2d(3)).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert cost_of(network, 8) == cost_of(network, 8)
    assert not network.training
    assert all(p.grad is None and p.device.type == "cpu" for p in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def by_module(network: nn.Module, size: int) -> int:
    """Multiply-accumulates of one photo, from the shapes that the layers see."""
    counted: list[int] = []

    def count(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            counted.append(inputs[0].numel() * layer.out_features)
            return
        area = layer.kernel_size[0] * layer.kernel_size[1]
        if isinstance(layer, nn.ConvTranspose2d):
            counted.append(inputs[0].numel() * layer.out_channels // layer.groups * area)
        else:
            counted.append(output.numel() * layer.in_channels // layer.groups * area)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, size, size, device="meta"))
    return sum(counted)


@pytest.mark.parametrize("name", networks.NETWORKS.names())
def test_published_networks_agree_with_a_count_by_module(name: str) -> None:
    with torch.device("meta"):
        network = networks.build(name, {}, 2)
    found = cost_of(network, 256)
    assert found["macs_per_photo_inference"] == by_module(network, 256)
    forward, training = found["macs_per_photo_inference"], found["macs_per_photo_training"]
    assert isinstance(forward, int)
    assert isinstance(training, int)
    assert forward < training <= 3 * forward
    assert found["parameters"] == sum(p.numel() for p in network.parameters())
    trained, all_of_them = found["trained_parameters"], found["parameters"]
    assert isinstance(trained, int)
    assert isinstance(all_of_them, int)
    assert 0 < trained <= all_of_them
    # At least one float32 feature map of the input's size is kept by each.
    assert int(found["activation_bytes_per_photo"]) > 4 * 256 * 256
