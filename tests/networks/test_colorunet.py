"""ColorUNet: its size, its shapes, and what a fresh one looks like."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape import networks
from huescape.base.errors import ParamsError


def conv_parameters(inputs: int, outputs: int, side: int) -> int:
    return inputs * outputs * side**2 + outputs


def test_parameter_count_follows_from_the_table() -> None:
    conv = conv_parameters
    down = sum(conv(a, b, 3) + conv(b, b, 3) + 2 * b for a, b in [(1, 16), (16, 32), (32, 64)])
    up1 = conv(64, 32, 3) + 2 * conv(32, 32, 3) + 2 * 32
    up2 = conv(64, 16, 3) + conv(16, 32, 3) + conv(32, 32, 3) + 2 * 32
    up3 = conv(48, 16, 3) + conv(16, 16, 3)
    expected = down + up1 + up2 + up3 + conv(16, 32, 1)
    assert expected == 142_016
    assert networks.parameter_count(networks.build("colorunet", {}, 32)) == expected


@pytest.mark.parametrize(("width", "outputs"), [(16, 32), (4, 2)])
def test_parameter_count_without_skips(width: int, outputs: int) -> None:
    full = networks.build("colorunet", {"width": width}, outputs)
    bare = networks.build("colorunet", {"width": width, "skips": False}, outputs)
    # The transposed convolutions of up 2 and up 3 no longer read the levels' 2w and w channels.
    joined = 2 * width * width * 9 + width * width * 9
    saved = networks.parameter_count(full) - networks.parameter_count(bare)
    assert saved == joined == 27 * width**2
    if (width, outputs) == (16, 32):
        assert networks.parameter_count(bare) == 135_104


@pytest.mark.parametrize("skips", [True, False])
def test_without_skips_everything_passes_the_bottleneck(skips: bool) -> None:
    """With the deepest level silenced, no lightness reaches the output but over the skips."""
    torch.manual_seed(0)
    network = networks.build("colorunet", {"width": 4, "skips": skips}, 5).eval()
    network.down3.register_forward_hook(lambda _module, _inputs, output: output * 0)
    first, second = network(torch.randn(2, 1, 16, 16))
    assert torch.equal(first, second) != skips


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40), (64, 32)])
def test_logits_have_the_resolution_of_the_input(height: int, width: int, skips: bool) -> None:
    network = networks.build("colorunet", {"width": 2, "skips": skips}, 5)
    assert network(torch.zeros(2, 1, height, width)).shape == (2, 5, height, width)


@pytest.mark.parametrize("skips", [True, False])
def test_every_parameter_gets_a_gradient(skips: bool) -> None:
    torch.manual_seed(0)
    network = networks.build("colorunet", {"width": 8, "skips": skips}, 5)
    network(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def reference(network: nn.Module, gray: Tensor, skips: bool) -> Tensor:
    """The table of the network's module once more, from its weights in order, in evaluation."""
    kinds = nn.Conv2d | nn.ConvTranspose2d
    convs = iter([m for m in network.modules() if isinstance(m, kinds)])
    norms = iter([m for m in network.modules() if isinstance(m, nn.BatchNorm2d)])

    def conv(x: Tensor) -> Tensor:
        layer = next(convs)
        return F.conv2d(x, layer.weight, layer.bias, padding=1).clamp(min=0)

    def transposed(x: Tensor) -> Tensor:
        """Zeros between the pixels, then a convolution with the kernel turned about."""
        layer = next(convs)
        wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
        wide[..., ::2, ::2] = x
        kernel = layer.weight.transpose(0, 1).flip(2, 3)
        return F.conv2d(wide, kernel, layer.bias, padding=1).clamp(min=0)

    def normed(x: Tensor) -> Tensor:
        norm = next(norms)
        mean, var, scale, shift = (
            v[:, None, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    half = normed(F.max_pool2d(conv(conv(gray)), 2))
    quarter = normed(F.max_pool2d(conv(conv(half)), 2))
    deep = normed(F.max_pool2d(conv(conv(quarter)), 2))
    x = normed(conv(conv(transposed(deep))))
    x = torch.cat([x, quarter], 1) if skips else x
    x = normed(conv(conv(transposed(x))))
    x = torch.cat([x, half], 1) if skips else x
    x = conv(transposed(x))
    head = next(convs)
    return torch.einsum("qc,nchw->nqhw", head.weight[:, :, 0, 0], x) + head.bias[:, None, None]


@pytest.mark.parametrize("skips", [True, False])
def test_agrees_with_an_independent_reading_of_the_table(skips: bool) -> None:
    torch.manual_seed(0)
    network = networks.build("colorunet", {"width": 3, "skips": skips}, 5).double().eval()
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    gray = torch.rand(2, 1, 24, 40, dtype=torch.float64) - 0.5
    with torch.no_grad():
        found, expected = network(gray), reference(network, gray, skips)
    assert found.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_xavier_bounds_and_zero_biases() -> None:
    network = networks.build("colorunet", {}, 32)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fans = (module.in_channels + module.out_channels) * module.kernel_size[0] ** 2
            bound = (6 / fans) ** 0.5
            assert 0.8 * bound < module.weight.abs().max() <= bound
            assert module.bias is not None
            assert module.bias.abs().max() == 0


def test_relu_after_the_pool_is_relu_before_it() -> None:
    """The reordering in DownBlock changes neither the value nor the gradient."""
    block = networks.build("colorunet", {"width": 4}, 5).down2.double()
    x = torch.randn(2, 4, 12, 12, dtype=torch.float64, requires_grad=True)
    plain = torch.relu(block.conv1(x))
    plain = block.norm(torch.max_pool2d(torch.relu(block.conv2(plain)), 2))
    weights = torch.randn_like(plain)
    (expected,) = torch.autograd.grad((plain * weights).sum(), x)
    result = block(x)
    (found,) = torch.autograd.grad((result * weights).sum(), x)
    torch.testing.assert_close(result, plain, rtol=0, atol=1e-12)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("alexnet", {}, ["network.name", "alexnet", "colorunet"]),
        ("colorunet", {"widht": 3}, ["network.widht", "width"]),
        ("colorunet", {"width": 0}, ["network.width", "at least 1"]),
        ("colorunet", {"width": True}, ["network.width", "True"]),
        ("colorunet", {"width": 1.5}, ["network.width", "1.5"]),
    ],
)
def test_unknown_names_and_options_are_refused(
    name: str, options: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ParamsError) as caught:
        networks.build(name, options, 5)
    assert all(word in str(caught.value) for word in words)
