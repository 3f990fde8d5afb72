"""The focal loss of a paper, for soft targets.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets.
"""

from __future__ import annotations

from torch import Tensor

from huescape.losses.base import Bins, Loss
from huescape.losses.cross_entropy import pixel_losses
from huescape.losses.options import Factor, Reduction
from huescape.losses.targets import Targets


class ExactFocalLoss(Loss):
    """Focal loss (Lin et al. 2017, equation 4) extended to soft targets, class weights kept.

    A pixel's loss is -v * sum over k of z_k (1 - p_k)^gamma log p_k. The gradient flows through the
    factor, as in the paper; v takes the place of its alpha_t. gamma = 0
    is cross entropy. For gamma > 0 and soft targets the lowest loss is not at p = z.
    """

    def __init__(
        self,
        bins: Bins,
        weighted: bool = True,
        gamma: Factor = 2.0,
        reduction: Reduction = "pixel",
    ) -> None:
        super().__init__(bins, weighted, reduction)
        self.gamma = gamma

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        """The loss of logits of any precision; a scalar, 0 when every pixel is masked."""
        flat = self.flat(logits_NQhw, targets)
        return pixel_losses(logits_NQhw, flat.index_PK, flat.weight_PK, self.gamma).sum()
