"""The squared error of chroma.

Shape suffixes: N photos, 1 or 2 channels, h, w rows and columns of the targets.
"""

from __future__ import annotations

from torch import Tensor

from huescape.losses.base import Bins, Loss, full_precision, pixel_shares
from huescape.losses.targets import Targets


class L2Loss(Loss):
    """Half the squared distance to the true chroma (Zhang et al. 2016, equation 1).

    L = 1/M sum over the M unmasked pixels of 1/2 |Y - Y^|^2, in normalized chroma. The paper sums
    over the pixels; a mean does not depend on how much of a photo is padding.
    """

    head = "chroma"

    def __init__(self, bins: Bins) -> None:
        super().__init__(bins)

    def forward(self, chroma_N2hw: Tensor, targets: Targets) -> Tensor:
        """The loss of normalized chroma; a scalar, 0 when every pixel is masked."""
        chroma_N2hw = full_precision(chroma_N2hw)
        error_N2hw = chroma_N2hw - targets.chroma(chroma_N2hw.dtype)
        share_Nhw = pixel_shares(targets.mask_Nhw, chroma_N2hw.dtype)
        return (error_N2hw.square() * share_Nhw[:, None]).sum() / 2
