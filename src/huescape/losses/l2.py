"""The squared error of chroma.

Shape suffixes: N photos, 1 or 2 channels, h, w rows and columns of the targets.
"""

from __future__ import annotations

from torch import Tensor

from huescape.losses.base import Bins, Loss, full_precision, pixel_shares
from huescape.losses.options import Reduction
from huescape.losses.targets import Targets


class L2Loss(Loss):
    """Half the squared distance to the true chroma (Zhang et al. 2016, equation 1).

    A pixel's loss is 1/2 |Y - Y^|^2. As a mean over pixels it is in normalized chroma; the sum over
    a photo's (`reduction: photo`), which the paper has, is in the space's own units, as there.
    """

    head = "chroma"

    def __init__(self, bins: Bins, reduction: Reduction = "pixel") -> None:
        super().__init__(bins, reduction=reduction)
        if reduction == "photo":
            self.unit = bins.chroma_scale**2

    def forward(self, chroma_N2hw: Tensor, targets: Targets) -> Tensor:
        """The loss of normalized chroma; a scalar, 0 when every pixel is masked."""
        chroma_N2hw = full_precision(chroma_N2hw)
        error_N2hw = chroma_N2hw - targets.chroma(chroma_N2hw.dtype)
        share_Nhw = pixel_shares(targets, chroma_N2hw.dtype, self.reduction)
        return (error_N2hw.square() * share_Nhw[:, None]).sum() * (self.unit / 2)
