"""Building blocks that the networks share.

Shape suffixes: N photos, C channels, H rows, W columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv3(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution that divides the resolution by `stride`, which divides it."""
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=dilation, dilation=dilation)


def xavier_init(network: nn.Module) -> None:
    """Xavier uniform weights (Glorot & Bengio 2010) and zero biases, from torch's generator."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def he_init(network: nn.Module) -> None:
    """He normal weights for ReLU (He et al. 2015) and zero biases, from torch's generator.

    A transposed convolution of stride s has k^2 / s^2 of its k x k taps under an output pixel.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            taps: float = math.prod(module.kernel_size)
            if isinstance(module, nn.ConvTranspose2d):
                taps /= math.prod(module.stride)
            fan_in = taps * module.in_channels / module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_in))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class UpConv(nn.ConvTranspose2d):
    """A transposed convolution whose bias is added after it.

    The result is the same up to rounding, but on CPUs the gradient of a bias within a transposed
    convolution takes nearly as long as that of its weights, and next to nothing as the sum that
    it is.
    """

    def forward(self, x_NCHW: Tensor, output_size: Any = None) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, stride H, stride W); `output_size` is not read."""
        y_NCHW = F.conv_transpose2d(
            x_NCHW,
            self.weight,
            None,
            self.stride,  # type: ignore[arg-type]
            self.padding,  # type: ignore[arg-type]
            self.output_padding,  # type: ignore[arg-type]
            self.groups,
            self.dilation,  # type: ignore[arg-type]
        )
        if self.bias is not None:
            y_NCHW += self.bias.to(y_NCHW.dtype)[:, None, None]
        return y_NCHW


class DownBlock(nn.Module):
    """Two 3 x 3 convolutions with ReLU, 2 x 2 max pool, batch norm: half the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv3(inputs, outputs)
        self.conv2 = conv3(outputs, outputs)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H/2, W/2); H and W are even."""
        x_NCHW = F.relu_(self.conv1(x_NCHW))
        # ReLU rises, so it commutes with the maximum, in value and in gradient; after the pool it
        # has a quarter of the pixels to visit.
        pooled: Tensor = self.norm(F.relu_(F.max_pool2d(self.conv2(x_NCHW), 2)))
        return pooled


class UpBlock(nn.Module):
    """A 3 x 3 transposed convolution of stride 2, then 3 x 3 convolutions, each with ReLU.

    `widths` are the outputs of the transposed convolution and of each convolution after it; `norm`
    ends the block with batch norm.
    """

    def __init__(self, inputs: int, widths: Sequence[int], norm: bool) -> None:
        super().__init__()
        self.up = UpConv(inputs, widths[0], 3, stride=2, padding=1, output_padding=1)
        self.convs = nn.ModuleList(conv3(before, after) for before, after in pairwise(widths))
        self.norm = nn.BatchNorm2d(widths[-1]) if norm else nn.Identity()

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, widths[-1], 2H, 2W)."""
        x_NCHW = F.relu_(self.up(x_NCHW))
        for conv in self.convs:
            x_NCHW = F.relu_(conv(x_NCHW))
        result: Tensor = self.norm(x_NCHW)
        return result


def joined(decoded_NCHW: Tensor, skip_NCHW: Tensor) -> Tensor:
    """A skip connection: the decoder's channels first, the encoder's after them."""
    result: Tensor = _Joined.apply(decoded_NCHW, skip_NCHW)  # type: ignore[no-untyped-call]
    return result


class _Joined(torch.autograd.Function):
    """Concatenation whose gradients are dense arrays, not slices of one.

    Given a slice, batch norm's backward pass takes a path that is ten times as slow on CPUs.
    """

    @staticmethod
    def forward(ctx: Any, decoded_NCHW: Tensor, skip_NCHW: Tensor) -> Tensor:
        ctx.channels = decoded_NCHW.shape[1]
        return torch.cat((decoded_NCHW, skip_NCHW), dim=1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        (grad_NCHW,) = grads
        dense = torch.channels_last
        decoded_NCHW = grad_NCHW[:, : ctx.channels].contiguous(memory_format=dense)
        return decoded_NCHW, grad_NCHW[:, ctx.channels :].contiguous(memory_format=dense)
