"""Multinomial cross entropy of sparse targets: no array of Q channels is ever built for them.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets, K bins of a target,
P pixels (N, h, w flattened).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from huescape.losses.base import Loss
from huescape.losses.targets import Targets

# Logits handled together: small enough that a block and its temporaries (6 MB) stay in the
# cache, where four passes over it cost little more than one over memory.
_BLOCK_VALUES = 1 << 19
# Well above the smallest normal float32.
_SMALL = 1e-30


class CrossEntropyLoss(Loss):
    """Multinomial cross entropy with class rebalancing (Zhang et al. 2016, equations 2 and 3).

    L = -1/M sum over the M unmasked pixels of v * sum over k of z_k log p(bin_k), where v is the
    class weight of the pixel's most likely bin (the lowest of those at a tie). M counts pixels,
    not their weights: weights are normalized to a mean of 1 under the prior, so this is an
    unbiased estimate of the loss over the data set, while dividing by a batch's own weight sum
    would turn a batch of rare colors down.
    """

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        """The loss of logits of any precision; a scalar, 0 when every pixel is masked."""
        flat = self.flat(logits_NQhw, targets)
        weight_PK = flat.target_PK * flat.share_P[:, None]
        return pixel_losses(flat.logits_PQ, flat.index_PK, weight_PK).sum()


def pixel_losses(
    logits_PQ: Tensor, index_PK: Tensor, weight_PK: Tensor, gamma: float = 0.0
) -> Tensor:
    """Each pixel's -sum over k of weight_k (1 - p_k)^gamma log p_k, (P,).

    gamma = 0 is cross entropy. Differentiable once, and with respect to the logits only.
    """
    losses_P: Tensor = _SparseCrossEntropy.apply(  # type: ignore[no-untyped-call]
        logits_PQ, index_PK, weight_PK, gamma
    )
    return losses_P


def row_blocks(values_PQ: Tensor) -> Iterator[slice]:
    """Rows to handle together: on a CPU as many as fit its cache, elsewhere all."""
    rows, columns = values_PQ.shape
    step = _BLOCK_VALUES // columns if values_PQ.device.type == "cpu" else rows
    return (slice(start, start + max(1, step)) for start in range(0, rows, max(1, step)))


class _SparseCrossEntropy(torch.autograd.Function):
    """The losses of `pixel_losses`, with the gradient made in the same pass.

    The softmax is at hand when the loss is, so the gradient costs little more; it is the only
    array of P x Q values that is kept (stock log-softmax and gather keep two and write four).
    """

    @staticmethod
    def forward(
        ctx: Any, logits_PQ: Tensor, index_PK: Tensor, weight_PK: Tensor, gamma: float
    ) -> Tensor:
        grad_PQ = torch.empty_like(logits_PQ) if ctx.needs_input_grad[0] else None
        losses_P = torch.empty_like(logits_PQ[:, 0])
        for rows in row_blocks(logits_PQ):
            losses_P[rows] = _block(logits_PQ, index_PK, weight_PK, rows, gamma, grad_PQ)
        ctx.save_for_backward(*([grad_PQ] if grad_PQ is not None else []))
        return losses_P

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_P: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        (grad_PQ,) = ctx.saved_tensors
        # The gradient of a plain sum is one 1 for all rows: no pass over memory for that.
        if grad_P.device.type == "cpu" and grad_P.stride() == (0,) and float(grad_P[0]) == 1:
            return grad_PQ, None, None, None
        return grad_PQ * grad_P[:, None], None, None, None


def _block(
    logits_PQ: Tensor,
    index_PK: Tensor,
    weight_PK: Tensor,
    rows: slice,
    gamma: float,
    grad_PQ: Tensor | None,
) -> Tensor:
    """The losses of some rows; their gradient is written to `grad_PQ`.

    With f_k the factor (1 - p_k)^gamma and g_k the derivative of f_k log p_k by log p_k, the
    gradient is that of cross entropy with weights g_k weight_k.
    """
    index, weight, logits = index_PK[rows], weight_PK[rows], logits_PQ[rows]
    p = torch.softmax(logits, dim=1, out=None if grad_PQ is None else grad_PQ[rows])
    log_p = _log_of_picked(p, logits, index)
    if gamma == 0:
        losses, slope = -(weight * log_p).sum(1), weight
    else:
        factor, derivative = _focus(log_p, gamma)
        losses, slope = -(weight * factor * log_p).sum(1), weight * derivative
    if grad_PQ is not None:
        p *= slope.sum(1, keepdim=True)
        p.scatter_add_(1, index, -slope)
    return losses


def _focus(log_p: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """(1 - p)^gamma, and the derivative of (1 - p)^gamma log p with respect to log p.

    The derivative is (1 - p)^gamma (1 - gamma p log p / (1 - p)), a form without the power
    gamma - 1, which would be infinite at p = 1 for gamma < 1; the last ratio tends to -1 there.
    """
    rest = -torch.expm1(log_p.clamp(max=0))
    factor = rest**gamma
    ratio = torch.where(rest > 0, log_p / rest, -1)
    return factor, factor * (1 - gamma * log_p.exp() * ratio)


def _log_of_picked(p_PQ: Tensor, logits_PQ: Tensor, index_PK: Tensor) -> Tensor:
    """log p of the targets' bins (P, K).

    Relative precision of p is all that its logarithm needs, so the softmax that the gradient needs
    anyway will do, unless a probability is so small that float32 begins to lose digits.
    """
    if p_PQ.device.type == "cpu":
        picked_PK = p_PQ.gather(1, index_PK)
        if picked_PK.numel() and float(picked_PK.min()) > _SMALL:
            return picked_PK.log()
    return torch.log_softmax(logits_PQ, dim=1).gather(1, index_PK)
