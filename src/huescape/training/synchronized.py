"""Batch norm over the photos of all processes: torch's own on CUDA, and elsewhere, where torch has
none, this one.

Shape suffixes: N photos, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class SynchronizedNorm(nn.BatchNorm2d):
    """Batch norm whose mean and variance in training are those of the whole batch."""

    def forward(self, input: Tensor) -> Tensor:
        """The normalized input (N, C, H, W), of its precision; computed in float32 at least."""
        if not self.training:
            return super().forward(input)
        x_NCHW = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
        over = (0, 2, 3)
        count = _total(x_NCHW.new_tensor(x_NCHW.numel() / x_NCHW.shape[1]))
        mean_1C11 = _total(x_NCHW.sum(over, keepdim=True)) / count
        from_mean_NCHW = x_NCHW - mean_1C11
        variance_1C11 = _total(from_mean_NCHW.square().sum(over, keepdim=True)) / count
        unbiased_1C11 = variance_1C11.detach() * (count / (count - 1).clamp(min=1))
        self._follow(mean_1C11.detach().flatten(), unbiased_1C11.flatten())
        normed_NCHW = from_mean_NCHW * (variance_1C11 + self.eps).rsqrt()
        if self.affine:
            weight_1C11, bias_1C11 = (x[None, :, None, None] for x in (self.weight, self.bias))
            normed_NCHW = normed_NCHW * weight_1C11 + bias_1C11
        return normed_NCHW.to(input.dtype)

    def _follow(self, mean_C: Tensor, variance_C: Tensor) -> None:
        """Move the running statistics a step on."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = self.momentum
        if share is None:
            share = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean_C.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance_C.to(self.running_var.dtype), share)


def synchronize(network: nn.Module, device: torch.device) -> None:
    """Replace every batch norm within `network`, which keeps its tensors and their names."""
    for name, child in network.named_children():
        if not isinstance(child, nn.BatchNorm2d):
            synchronize(child, device)
        elif device.type == "cuda":
            convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
            setattr(network, name, convert(child))
        else:
            child.__class__ = SynchronizedNorm  # the same tensors, for an optimizer knows them


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose losses add up: so do the gradients that come back."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        total = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def _total(own: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(own)  # type: ignore[no-untyped-call]
    return total
