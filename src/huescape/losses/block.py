"""Cross entropy with a term on the mean color of blocks, "to keep colors more uniform".

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets, K bins of a target,
2 chroma channels, P pixels (N, h, w flattened), R pixels handled together, Y, X rows and columns of
blocks, B block side.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from huescape.losses.base import Bins, FlatBatch, Loss, pixel_shares
from huescape.losses.cross_entropy import pixel_losses
from huescape.losses.options import Factor, Reduction, Side
from huescape.losses.pixel_blocks import pixel_blocks
from huescape.losses.targets import Targets


class BlockLoss(Loss):
    """Cross entropy + share * mean over blocks of |mean predicted - mean target chroma|^2.

    A wish of a student project's slides, which give no formula. The targets are cut into blocks
    of side x side, smaller ones at the right and bottom where the sides do not divide; a block's
    means leave masked pixels out, a block without any other pixel is skipped, and each remaining
    block counts the same. Chroma is normalized. The predicted chroma is the expectation over the
    bins (at temperature 1), the target chroma that of the target's distribution, not the photo's
    own, so that the term of a perfect prediction is zero. Class weights do not touch the term, and
    `reduction` does not touch its proportion to the cross entropy.
    """

    scattered = False

    def __init__(
        self,
        bins: Bins,
        weighted: bool = True,
        side: Side = 8,
        share: Factor = 1.0,
        reduction: Reduction = "pixel",
    ) -> None:
        super().__init__(bins, weighted, reduction)
        self.side, self.share = side, share

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        """The loss of logits of any precision; a scalar, 0 when every pixel is masked."""
        flat = self.flat(logits_NQhw, targets)
        loss = pixel_losses(logits_NQhw, flat.index_PK, flat.weight_PK).sum()
        error_Nhw2 = self.chroma_error(logits_NQhw, flat).reshape(*targets.mask_Nhw.shape, 2)
        whole = Targets(targets.batch_Mhw)
        shares_Mhw = pixel_shares(whole, error_Nhw2.dtype, self.reduction)
        term = block_term(error_Nhw2, targets, self.side)
        return loss + self.share * shares_Mhw.sum() * term

    def chroma_error(self, logits_NQhw: Tensor, flat: FlatBatch) -> Tensor:
        """Expected chroma of the prediction minus that of the target (P, 2)."""
        centers_Q2 = self.centers_Q2.to(flat.target_PK.dtype)
        target_P2 = (flat.target_PK[..., None] * centers_Q2[flat.index_PK]).sum(1)
        expected_P2: Tensor = _ExpectedChroma.apply(  # type: ignore[no-untyped-call]
            logits_NQhw, centers_Q2
        )
        return expected_P2 - target_P2


def block_term(error_Nhw2: Tensor, targets: Targets, side: int) -> Tensor:
    """Mean over blocks of the squared length of a block's mean error; a scalar.

    The mean is over the blocks of the whole batch, of which the targets may be a part.
    """
    known_Nhw1 = targets.mask_Nhw[..., None].to(error_Nhw2.dtype)
    whole_Mhw1 = targets.batch_Mhw[..., None].to(error_Nhw2.dtype)
    sum_NYX2 = block_sums(error_Nhw2 * known_Nhw1, side)
    count_NYX1 = block_sums(known_Nhw1, side)
    mean_NYX2 = sum_NYX2 / count_NYX1.clamp(min=1)
    blocks = (block_sums(whole_Mhw1, side) > 0).sum().clamp(min=1)
    return mean_NYX2.square().sum() / blocks


def block_sums(values_NhwC: Tensor, side: int) -> Tensor:
    """Sums over side x side blocks (N, Y, X, C), partial ones at the edges included."""
    photos, rows, columns, channels = values_NhwC.shape
    padding = (0, 0, 0, -columns % side, 0, -rows % side)
    padded_NhwC = torch.nn.functional.pad(values_NhwC, padding)
    shape = (photos, -(-rows // side), side, -(-columns // side), side, channels)
    blocks_NYBXBC = padded_NhwC.reshape(shape)
    return blocks_NYBXBC.sum((2, 4))


class _ExpectedChroma(torch.autograd.Function):
    """softmax(logits) @ centers; the softmax is made again for the gradient instead of kept."""

    @staticmethod
    def forward(ctx: Any, logits_NQhw: Tensor, centers_Q2: Tensor) -> Tensor:
        pixels = logits_NQhw[:, 0].numel()
        expected_P2 = centers_Q2.new_empty(pixels, 2)
        for block in pixel_blocks(logits_NQhw):
            p_RQ = torch.softmax(block.read(logits_NQhw), dim=1)
            expected_P2[block.rows] = p_RQ @ centers_Q2
        ctx.save_for_backward(logits_NQhw, centers_Q2, expected_P2)
        return expected_P2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_P2: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        logits_NQhw, centers_Q2, expected_P2 = ctx.saved_tensors
        grad_NQhw = torch.empty_like(logits_NQhw)
        for block in pixel_blocks(logits_NQhw):
            grad_R2 = grad_P2[block.rows]
            along_RQ = grad_R2 @ centers_Q2.T
            along_RQ -= (grad_R2 * expected_P2[block.rows]).sum(1, keepdim=True)
            logits_RQ, out_RQ = block.read(logits_NQhw), block.buffer(grad_NQhw)
            torch.softmax(logits_RQ, dim=1, out=out_RQ).mul_(along_RQ)
            block.write(grad_NQhw, out_RQ)
        return grad_NQhw, None
