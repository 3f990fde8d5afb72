"""A loss that looks away from the pixels that are already right.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets, K bins of a target,
P pixels (N, h, w flattened).
"""

from __future__ import annotations

import torch
from torch import Tensor

from huescape.losses.base import Bins, Loss
from huescape.losses.cross_entropy import pixel_losses
from huescape.losses.options import Factor, Reduction
from huescape.losses.targets import Targets


class FocalLoss(Loss):
    """The focal loss of a student project's slides: cross entropy with a mask on easy pixels.

    t is a pixel's loss (class weight included) divided by the largest one of the batch, and the
    pixel's loss is multiplied by mask(t) = 1 / (1 + alpha exp(-beta t)). The mask is a weight: no
    gradient flows through it, else a pixel could lower its loss by pulling its mask down, or by
    raising the largest loss. Because of t, a photo's share of the loss depends on its batch.

    The slides give no alpha and beta. With 10 and 10, a choice of ours, a pixel without loss
    counts 1/11, one at 0.23 of the largest loss counts half, and the worst one counts 0.9995.
    """

    def __init__(
        self,
        bins: Bins,
        weighted: bool = True,
        alpha: Factor = 10.0,
        beta: Factor = 10.0,
        reduction: Reduction = "pixel",
    ) -> None:
        super().__init__(bins, weighted, reduction)
        self.alpha, self.beta = alpha, beta

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        """The loss of logits of any precision; a scalar, 0 when every pixel is masked."""
        flat = self.flat(logits_NQhw, targets)
        losses_P = pixel_losses(logits_NQhw, flat.index_PK, flat.weight_PK)
        if not losses_P.numel():
            return losses_P.sum()
        largest = losses_P.detach().max()
        if targets.whole_Mhw is not None:  # other processes have the other photos of the batch
            torch.distributed.all_reduce(largest, torch.distributed.ReduceOp.MAX)
        return (losses_P * self.attention(losses_P.detach(), largest)).sum()

    def attention(self, losses_P: Tensor, largest: Tensor) -> Tensor:
        """mask(t) of each pixel, from 1 / (1 + alpha) to nearly 1, for the batch's largest loss."""
        tiny = torch.finfo(losses_P.dtype).tiny  # a batch without any loss: t = 0
        t_P = losses_P / largest.clamp(min=tiny)
        return 1 / (1 + self.alpha * torch.exp(-self.beta * t_P))
