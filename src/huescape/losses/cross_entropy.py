"""Multinomial cross entropy of sparse targets: no array of Q channels is ever built for them.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets, K bins of a target,
P pixels (N, h, w flattened), R pixels of a block.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from huescape.losses.base import Bins, Loss
from huescape.losses.options import Reduction
from huescape.losses.pixel_blocks import pixel_blocks
from huescape.losses.targets import Targets

# Well above the smallest normal float32.
_SMALL = 1e-30


class CrossEntropyLoss(Loss):
    """Multinomial cross entropy with class rebalancing (Zhang et al. 2016, equations 2 and 3).

    A pixel's loss is -v * sum over k of z_k log p(bin_k), where v is the class weight of its most
    likely bin (the lowest of those at a tie). The paper sums over the pixels (`reduction: photo`).
    A mean counts pixels, not their weights: weights are normalized to a mean of 1 under the prior,
    so this is an unbiased estimate of the loss over the data set, while dividing by a batch's own
    weight sum would turn a batch of rare colors down.
    """

    def __init__(self, bins: Bins, weighted: bool = True, reduction: Reduction = "pixel") -> None:
        super().__init__(bins, weighted, reduction)

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        """The loss of logits of any precision; a scalar, 0 when every pixel is masked."""
        flat = self.flat(logits_NQhw, targets)
        return pixel_losses(logits_NQhw, flat.index_PK, flat.weight_PK).sum()


def pixel_losses(
    logits_NQhw: Tensor, index_PK: Tensor, weight_PK: Tensor, gamma: float = 0.0
) -> Tensor:
    """Each pixel's -sum over k of weight_k (1 - p_k)^gamma log p_k, (P,), in full precision.

    gamma = 0 is cross entropy. Differentiable once, and with respect to the logits only, whose
    gradient has their precision and layout.
    """
    losses_P: Tensor = _SparseCrossEntropy.apply(  # type: ignore[no-untyped-call]
        logits_NQhw, index_PK, weight_PK, gamma
    )
    return losses_P


class _SparseCrossEntropy(torch.autograd.Function):
    """The losses of `pixel_losses`, with the gradient made in the same pass.

    The softmax is at hand when the loss is, so the gradient costs little more; it is the only
    array of P x Q values that is kept (stock log-softmax and gather keep two and write four).
    """

    @staticmethod
    def forward(
        ctx: Any, logits_NQhw: Tensor, index_PK: Tensor, weight_PK: Tensor, gamma: float
    ) -> Tensor:
        grad_NQhw = torch.empty_like(logits_NQhw) if ctx.needs_input_grad[0] else None
        losses_P = torch.empty_like(weight_PK[:, 0])
        for block in pixel_blocks(logits_NQhw):
            logits_RQ, rows = block.read(logits_NQhw), block.rows
            out_RQ = None if grad_NQhw is None else block.buffer(grad_NQhw)
            losses_P[rows] = _losses(logits_RQ, index_PK[rows], weight_PK[rows], gamma, out_RQ)
            if grad_NQhw is not None and out_RQ is not None:
                block.write(grad_NQhw, out_RQ)
        ctx.save_for_backward(*([grad_NQhw] if grad_NQhw is not None else []))
        return losses_P

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_P: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        (grad_NQhw,) = ctx.saved_tensors
        # The gradient of a plain sum is one 1 for all rows: no pass over memory for that.
        same = grad_P.device.type == "cpu" and grad_P.stride() == (0,) and grad_P.numel() > 0
        if same and float(grad_P[0]) == 1:
            return grad_NQhw, None, None, None
        scaled_NQhw = torch.empty_like(grad_NQhw)
        for block in pixel_blocks(grad_NQhw):
            out_RQ, factor_R1 = block.buffer(scaled_NQhw), grad_P[block.rows, None]
            block.write(scaled_NQhw, torch.mul(block.read(grad_NQhw), factor_R1, out=out_RQ))
        return scaled_NQhw, None, None, None


def _losses(
    logits_RQ: Tensor, index_RK: Tensor, weight_RK: Tensor, gamma: float, out_RQ: Tensor | None
) -> Tensor:
    """The losses (R,) of some pixels; their gradient is written to `out_RQ`.

    With f_k the factor (1 - p_k)^gamma and g_k the derivative of f_k log p_k by log p_k, the
    gradient is that of cross entropy with weights g_k weight_k.
    """
    p_RQ = torch.softmax(logits_RQ, dim=1, out=out_RQ)
    log_p_RK = _log_of_picked(p_RQ, logits_RQ, index_RK)
    if gamma == 0:
        losses_R, slope_RK = -(weight_RK * log_p_RK).sum(1), weight_RK
    else:
        factor_RK, derivative_RK = _focus(log_p_RK, gamma)
        losses_R = -(weight_RK * factor_RK * log_p_RK).sum(1)
        slope_RK = weight_RK * derivative_RK
    if out_RQ is not None:
        p_RQ *= slope_RK.sum(1, keepdim=True)
        p_RQ.scatter_add_(1, index_RK, -slope_RK)
    return losses_R


def _focus(log_p: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """(1 - p)^gamma, and the derivative of (1 - p)^gamma log p with respect to log p.

    The derivative is (1 - p)^gamma (1 - gamma p log p / (1 - p)), a form without the power
    gamma - 1, which would be infinite at p = 1 for gamma < 1; the last ratio tends to -1 there.
    """
    rest = -torch.expm1(log_p.clamp(max=0))
    factor = rest**gamma
    ratio = torch.where(rest > 0, log_p / rest, -1)
    return factor, factor * (1 - gamma * log_p.exp() * ratio)


def _log_of_picked(p_RQ: Tensor, logits_RQ: Tensor, index_RK: Tensor) -> Tensor:
    """log p of the targets' bins (R, K).

    Relative precision of p is all that its logarithm needs, so the softmax that the gradient needs
    anyway will do, unless a probability is so small that float32 begins to lose digits.
    """
    if p_RQ.device.type == "cpu":
        picked_RK = p_RQ.gather(1, index_RK)
        if picked_RK.numel() and float(picked_RK.min()) > _SMALL:
            return picked_RK.log()
    return torch.log_softmax(logits_RQ, dim=1).gather(1, index_RK)
