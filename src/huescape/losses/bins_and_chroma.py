"""Cross entropy of bins, and a robust distance of chroma beside it.

Shape suffixes: N photos, C channels, Q bins, h, w rows and columns of the targets, 2 chroma
channels, K bins of a target, P pixels (N, h, w flattened).
"""

from __future__ import annotations

from torch import Tensor

from huescape.losses.base import Bins, FlatBatch, Loss, full_precision, pixel_shares
from huescape.losses.cross_entropy import pixel_losses
from huescape.losses.options import Factor, Reduction
from huescape.losses.targets import Targets
from huescape.params.base import Head


class BinsAndChromaLoss(Loss):
    """Cross entropy + share * sqrt(|d|^2 + 1), d the error of chroma in the space's own units.

    The network gives Q logits and 2 channels of normalized chroma in training. In evaluation it
    gives the logits alone, and the loss is the cross entropy alone: so is the validation loss, and
    the loss of training is by share or more above it.

    The true chroma is the mean of the target's bins. Of the five nearest bins of a grid of 10, with
    sigma 5, that is within 0.8 of the pixel's own, on photos 0.2 on average, where a pixel's error
    is 10; targets of other kinds are coarser. Class weights, off unless asked for, do not touch
    the second term.
    """

    beside: Head | None = "chroma"

    def __init__(
        self,
        bins: Bins,
        weighted: bool = False,
        share: Factor = 0.2,
        reduction: Reduction = "pixel",
    ) -> None:
        super().__init__(bins, weighted, reduction)
        self.share, self.scale = share, bins.chroma_scale

    def forward(self, output_NChw: Tensor, targets: Targets) -> Tensor:
        """The loss of C = Q or Q + 2 channels; a scalar, 0 when every pixel is masked."""
        bins = len(self.centers_Q2)
        logits_NQhw, chroma_N2hw = output_NChw[:, :bins], output_NChw[:, bins:]
        flat = self.flat(logits_NQhw, targets)
        loss = pixel_losses(logits_NQhw, flat.index_PK, flat.weight_PK).sum()
        if not chroma_N2hw.shape[1]:
            return loss
        return loss + self.share * self._distance(chroma_N2hw, flat, targets)

    def _distance(self, chroma_N2hw: Tensor, flat: FlatBatch, targets: Targets) -> Tensor:
        chroma_P2 = full_precision(chroma_N2hw).movedim(1, -1).reshape(-1, 2)
        centers_Q2 = self.centers_Q2.to(chroma_P2.dtype)
        true_P2 = (flat.target_PK[..., None] * centers_Q2[flat.index_PK]).sum(1)
        squared_P = (self.scale * (chroma_P2 - true_P2)).square().sum(1)
        share_Nhw = pixel_shares(targets, chroma_P2.dtype, self.reduction)
        return (share_Nhw.reshape(-1) * (squared_P + 1).sqrt()).sum()
