"""The eight-block network: its size, its layers one by one, its start, and that it can learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape import networks
from huescape.networks.zhang2016 import Zhang2016

# Channels in and out in units of the width, then stride and dilation, as published; 0 is the input.
PUBLISHED = [
    *[(0, 1, 1, 1), (1, 1, 2, 1), "norm"],
    *[(1, 2, 1, 1), (2, 2, 2, 1), "norm"],
    *[(2, 4, 1, 1), (4, 4, 1, 1), (4, 4, 2, 1), "norm"],
    *[(4, 8, 1, 1), (8, 8, 1, 1), (8, 8, 1, 1), "norm"],
    *[(8, 8, 1, 2), (8, 8, 1, 2), (8, 8, 1, 2), "norm"],
    *[(8, 8, 1, 2), (8, 8, 1, 2), (8, 8, 1, 2), "norm"],
    *[(8, 8, 1, 1), (8, 8, 1, 1), (8, 8, 1, 1), "norm"],
    *["up", (4, 4, 1, 1), (4, 4, 1, 1)],
]


def published_forward(parameters: list[Tensor], x: Tensor, centered: bool) -> Tensor:
    """The layers of PUBLISHED, then the head, with weights and biases taken from the list.

    The transposed convolution has a whole kernel more at every side, of which some is cut off.
    """
    left = iter(parameters)
    for layer in PUBLISHED:
        if layer == "norm":
            mean = x.mean((0, 2, 3), keepdim=True)
            x = (x - mean) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        elif layer == "up":
            full, first = F.conv_transpose2d(x, next(left), next(left), stride=2), 1 + centered
            rows, columns = 2 * x.shape[2], 2 * x.shape[3]
            x = F.relu(full[:, :, first : first + rows, first : first + columns])
        else:
            _, _, stride, dilation = layer
            weight, bias = next(left), next(left)
            x = F.relu(F.conv2d(x, weight, bias, stride, padding=dilation, dilation=dilation))
    return F.conv2d(x, next(left), next(left))


@pytest.mark.parametrize(("outputs", "total"), [(313, 32_230_393), (2, 32_150_466)])
def test_parameter_count_and_output_at_full_width(outputs: int, total: int) -> None:
    with torch.device("meta"):
        network = Zhang2016(outputs)
        assert network(torch.zeros(1, 1, 256, 256)).shape == (1, outputs, 64, 64)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(convolutions) == 23
    assert sum(p.numel() for m in convolutions for p in m.parameters()) == total
    assert networks.parameter_count(network) == total


@pytest.mark.parametrize("width", [1, 3])
def test_parameter_count_follows_from_the_table(width: int) -> None:
    total = 16 * 8 * 4 * width**2 + 4 * width + 4 * width * 5 + 5
    for layer in PUBLISHED:
        if not isinstance(layer, str):
            before, after = max(layer[0] * width, 1), layer[1] * width
            total += 9 * before * after + after
    assert networks.parameter_count(networks.build("zhang2016", {"width": width}, 5)) == total


@pytest.mark.parametrize("centered", [True, False])
def test_layers_are_the_published_ones(centered: bool) -> None:
    torch.manual_seed(0)
    network = Zhang2016(5, width=2, centered=centered).double().train()
    x = torch.randn(2, 1, 40, 64, dtype=torch.float64)
    expected = published_forward(list(network.parameters()), x, centered)
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-10)


def center_of_sight(network: nn.Module, output: int, side: int) -> float:
    """The mean row that an output looks at, weighted by its gradient; all weights are equal."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    photo = torch.ones(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(photo)[0, 0, output, output], photo)
    weight = gradient[0, 0].sum(1)
    assert weight[0] == weight[-1] == 0  # all of what it sees lies on the photo
    return float((weight * torch.arange(side)).sum() / weight.sum())


@pytest.mark.parametrize(("centered", "offset"), [(True, 2), (False, -2)])
def test_where_an_output_looks(centered: bool, offset: int) -> None:
    """At the point that is encoded, pixel 4j + 2, or as released, at 4j - 2.

    With equal weights, even outputs lean two ninths of a pixel to one side and odd ones to the
    other, as two taps of a transposed convolution do.
    """
    network = Zhang2016(1, width=1, centered=centered).double().eval()
    found = [center_of_sight(network, output, 512) for output in (64, 65)]
    assert sum(found) / 2 == pytest.approx(4 * 64.5 + offset, abs=1e-9)
    assert abs(found[0] - found[1] + 4) < 0.5


def test_norms_move_as_told() -> None:
    moved = []
    for momentum in (0.1, 0.001):
        network = Zhang2016(3, width=1, norm_momentum=momentum).train()
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        assert [norm.eps for norm in norms] == [1e-5] * 7
        torch.manual_seed(0)
        network.load_state_dict(Zhang2016(3, width=1).state_dict())
        network(torch.rand(2, 1, 16, 16))
        moved.append(torch.cat([norm.running_var - 1 for norm in norms]))
    torch.testing.assert_close(moved[0], 100 * moved[1], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40), (64, 32)])
def test_logits_are_at_a_quarter(height: int, width: int) -> None:
    network = networks.build("zhang2016", {"width": 1}, 5).eval()
    assert network(torch.zeros(2, 1, height, width)).shape == (2, 5, height // 4, width // 4)
    assert (network.multiple, network.stride) == (8, 4)


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(1)
    network = networks.build("zhang2016", {"width": 4}, 5)
    network(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_he_weights_keep_the_size_of_the_signal() -> None:
    torch.manual_seed(2)
    network = Zhang2016(64, width=16)
    stds = [p.detach().std() for p in network.parameters() if p.ndim == 4]
    fans = [p.shape[1] * p[0, 0].numel() for p in network.parameters() if p.ndim == 4]
    fans[-4] = 8 * 16 * 4  # transposed: four of sixteen taps meet an output pixel
    expected = [math.sqrt((0.01 if k == 22 else 2) / fan) for k, fan in enumerate(fans)]
    np.testing.assert_allclose(stds[1:], expected[1:], rtol=0.1)
    assert all(p.abs().max() == 0 for p in network.parameters() if p.ndim == 1)
    with torch.no_grad():
        logits = network(torch.randn(2, 1, 64, 64))
    assert 0.03 < logits.std() < 0.3


def photo(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Lightness (size, size) and bins (size / 4, size / 4) of a picture of three regions.

    Borders are smooth curves; which region has which of the bins differs from photo to photo.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    waves = rng.uniform(2, 6, (2, 2))
    field = np.sin(waves[0, 0] * x + waves[0, 1] * y) + np.cos(waves[1, 0] * y - waves[1, 1] * x)
    region = np.digitize(field, np.quantile(field, [1 / 3, 2 / 3]))
    lightness = np.sort(rng.uniform(-0.5, 0.5, 3))[region] + rng.normal(0, 0.02, (size, size))
    return lightness, rng.permutation(6)[:3][region][2::4, 2::4]


def test_overfits_eight_photos() -> None:
    torch.manual_seed(3)
    pairs = [photo(seed, 64) for seed in range(8)]
    input_N1HW = torch.tensor(np.stack([lightness for lightness, _ in pairs]))[:, None].float()
    index_Nhw = torch.tensor(np.stack([bins for _, bins in pairs]))
    network = networks.build("zhang2016", {"width": 4}, 6)
    steps = 250
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(network(input_N1HW), index_Nhw).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        logits_NQhw = network.eval()(input_N1HW)
    counts = torch.bincount(index_Nhw.flatten(), minlength=6)
    accuracy = (logits_NQhw.argmax(1) == index_Nhw).float().mean()
    assert counts.max() / counts.sum() < 0.5
    assert accuracy > 0.99
