"""How sure a classifier is, position by position, of the photos that are shown.

ColorUNet's authors (Billaut et al. 2018) look at the probability of the likeliest bin, and at how
many times as likely it is as the second.

Shape suffixes: Q bins; h, w rows and columns of the output that lie on the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huescape.evaluation.passes import Seen
from huescape.systems.system import System


@dataclass(frozen=True)
class Confidence:
    """The probability of the likeliest bin, and that over the second's, from 1."""

    top_hw: npt.NDArray[np.float32]
    ratio_hw: npt.NDArray[np.float32]


def confidence(system: System, seen: Seen) -> Confidence | None:
    """Of one photo, at temperature 1; None for a regression, or where no position is on it."""
    if system.head == "chroma":
        return None
    *_, on_photo_hw = seen.positions(system.network.stride)
    is_row_h, is_column_w = on_photo_hw.any(axis=1), on_photo_hw.any(axis=0)
    if not is_row_h.any():
        return None
    best_2hw = seen.output_Chw.float().softmax(dim=0).topk(2, dim=0).values.cpu().numpy()
    top_hw, second_hw = (plane_hw[is_row_h][:, is_column_w] for plane_hw in best_2hw)
    return Confidence(top_hw, top_hw / np.maximum(second_hw, np.finfo(np.float32).tiny))
