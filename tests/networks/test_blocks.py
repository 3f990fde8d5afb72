"""The shared blocks against torch's own modules."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from huescape.networks.blocks import UpConv, joined

SHAPES = [
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "bias": False},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
    {"kernel_size": 3, "stride": 2, "padding": 2, "output_padding": 1, "dilation": 2},
]


def values_and_gradients(layer: nn.ConvTranspose2d, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_(True)
    y = layer(x)
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    gradients = torch.autograd.grad((y * weights).sum(), [x, *layer.parameters()])
    return [y.detach(), *gradients]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_bias_added_afterwards_is_a_bias(
    shape: dict[str, int], layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    stock = nn.ConvTranspose2d(6, 4, **shape).double()  # type: ignore[arg-type]
    torch.manual_seed(0)
    own = UpConv(6, 4, **shape).double()  # type: ignore[arg-type]
    assert {k: v.tolist() for k, v in own.state_dict().items()} == {
        k: v.tolist() for k, v in stock.state_dict().items()
    }
    x = torch.randn(2, 6, 6, 7, dtype=torch.float64).contiguous(memory_format=layout)
    for found, expected in zip(
        values_and_gradients(own, x), values_and_gradients(stock, x), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_transposed_convolution_follows_autocast() -> None:
    layer, x = UpConv(5, 4, 3, stride=2, padding=1, output_padding=1), torch.randn(2, 5, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), rtol=0.05, atol=0.05)
    y.float().sum().backward()
    assert layer.bias is not None
    assert layer.bias.grad is not None
    torch.testing.assert_close(layer.bias.grad, torch.full((4,), 2.0 * 12 * 12))


def test_joined_is_a_concatenation_with_dense_gradients() -> None:
    a, b = (torch.randn(2, c, 4, 4, dtype=torch.float64, requires_grad=True) for c in (3, 2))
    weights = torch.randn(2, 5, 4, 4, dtype=torch.float64)
    y = joined(a, b)
    assert torch.equal(y, torch.cat((a, b), 1))
    found = torch.autograd.grad((y * weights).sum(), (a, b))
    expected = torch.autograd.grad((torch.cat((a, b), 1) * weights).sum(), (a, b))
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
        assert one.is_contiguous(memory_format=torch.channels_last)
