"""The losses, by name; targets are sparse, so that no array of Q channels is ever built for them.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets, K bins of a target,
P pixels (N, h, w flattened).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from huescape.errors import ParamsError

# Logits handled together: small enough that a block and its temporaries (6 MB) stay in the
# cache, where four passes over it cost little more than one over memory.
_BLOCK_VALUES = 1 << 19
# Well above the smallest normal float32.
_SMALL = 1e-30


class Loss(Protocol):
    """A loss of logits against sparse targets; see `cross_entropy` for the arguments."""

    def __call__(
        self,
        logits_NQhw: Tensor,
        index_NhwK: Tensor,
        weight_NhwK: Tensor | None,
        class_weights_Q: Tensor | None,
        mask_Nhw: Tensor,
    ) -> Tensor: ...


def cross_entropy(
    logits_NQhw: Tensor,
    index_NhwK: Tensor,
    weight_NhwK: Tensor | None,
    class_weights_Q: Tensor | None,
    mask_Nhw: Tensor,
) -> Tensor:
    """Multinomial cross entropy with class rebalancing (Zhang et al. 2016, equations 2 and 3).

    L = -1/M sum over the M unmasked pixels of v * sum over k of z_k log p(bin_k), where v is the
    class weight of the pixel's most likely bin. M counts pixels, not their weights: weights are
    normalized to a mean of 1 under the prior, so this is an unbiased estimate of the loss over the
    data set, while dividing by a batch's own weight sum would turn a batch of rare colors down.

    Args:
        logits_NQhw: floats of any precision; computed in float32, or float64 for float64.
        index_NhwK: integers, the K bins of each target; K = 1 for hard targets.
        weight_NhwK: floats that sum to 1 over K, or None for equal ones.
        class_weights_Q: weight of each bin, or None for 1.
        mask_Nhw: bool, False where there is no photo (padding).
    Returns:
        A scalar, 0 when every pixel is masked.
    """
    if logits_NQhw.dtype != torch.float64:
        logits_NQhw = logits_NQhw.float()
    bins = logits_NQhw.shape[1]
    index_PK = index_NhwK.reshape(-1, index_NhwK.shape[-1]).long()
    target_PK = _target_weights(index_PK, weight_NhwK, logits_NQhw.dtype)
    pixel_P = mask_Nhw.reshape(-1).to(logits_NQhw.dtype)
    pixel_P = pixel_P / pixel_P.sum().clamp(min=1)
    if class_weights_Q is not None:
        top_P1 = index_PK.gather(1, target_PK.argmax(1, keepdim=True))
        pixel_P = pixel_P * class_weights_Q.to(pixel_P.dtype)[top_P1.squeeze(1)]
    logits_PQ = logits_NQhw.permute(0, 2, 3, 1).reshape(-1, bins)  # no copy when channels-last
    loss: Tensor = _SparseCrossEntropy.apply(  # type: ignore[no-untyped-call]
        logits_PQ, index_PK, target_PK * pixel_P[:, None]
    )
    return loss


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy}


def build_loss(name: str, options: Mapping[str, Any]) -> Loss:
    """The loss called `name`; ParamsError for an unknown name or option."""
    if name not in LOSSES:
        raise ParamsError(f"loss.name is {name!r}; allowed: {', '.join(sorted(LOSSES))}")
    for key in options:
        raise ParamsError(f"loss.options.{key}: no such key; loss {name!r} has no options")
    return LOSSES[name]


def _target_weights(index_PK: Tensor, weight_NhwK: Tensor | None, dtype: torch.dtype) -> Tensor:
    if weight_NhwK is None:
        return torch.full(
            index_PK.shape, 1 / index_PK.shape[1], dtype=dtype, device=index_PK.device
        )
    return weight_NhwK.reshape(index_PK.shape).to(dtype)


class _SparseCrossEntropy(torch.autograd.Function):
    """-sum(weight * log softmax(logits)[index]), with the gradient made in the same pass.

    The softmax is at hand when the loss is, so the gradient costs little more; it is the only
    array of P x Q values that is kept (stock log-softmax and gather keep two and write four).
    """

    @staticmethod
    def forward(ctx: Any, logits_PQ: Tensor, index_PK: Tensor, weight_PK: Tensor) -> Tensor:
        wanted = ctx.needs_input_grad[0]
        grad_PQ = torch.empty_like(logits_PQ) if wanted else None
        step = max(1, _BLOCK_VALUES // logits_PQ.shape[1]) if logits_PQ.device.type == "cpu" else 0
        step = step or max(1, len(logits_PQ))
        losses = [
            _block(logits_PQ, index_PK, weight_PK, slice(start, start + step), grad_PQ)
            for start in range(0, len(logits_PQ), step)
        ]
        ctx.save_for_backward(*([grad_PQ] if grad_PQ is not None else []))
        return torch.stack(losses).sum() if losses else logits_PQ.sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (grad_PQ,) = ctx.saved_tensors
        # A loss that is differentiated directly has grad = 1: no pass over memory for that.
        if grad.device.type == "cpu" and float(grad) == 1:
            return grad_PQ, None, None
        return grad_PQ * grad, None, None


def _block(
    logits_PQ: Tensor, index_PK: Tensor, weight_PK: Tensor, rows: slice, grad_PQ: Tensor | None
) -> Tensor:
    """The loss of some rows; their gradient is written to `grad_PQ`."""
    index, weight, logits = index_PK[rows], weight_PK[rows], logits_PQ[rows]
    p = torch.softmax(logits, dim=1, out=None if grad_PQ is None else grad_PQ[rows])
    loss = -(weight * _log_of_picked(p, logits, index)).sum()
    if grad_PQ is not None:
        p *= weight.sum(1, keepdim=True)
        p.scatter_add_(1, index, -weight)
    return loss


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
