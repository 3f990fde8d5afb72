"""The colors that a network is confident of, diffused to all pixels of what it saw.

What ColorUNet's authors (Billaut et al. 2018) name as their next step: pixels whose color is likely
are the seeds of Levin et al. 2004, in place of a person's.

Shape suffixes: N pictures, Q bins, 2 chroma channels, H rows and W columns; h, w are H, W divided
by the network's stride and rounded up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.color.diffusion import diffuse

#: Of the top of the training prior, what the top of a distribution has to reach: relative, so that
#: it means the same for any bins. Chosen by AuC on validation photos (docs/color-science.md).
CONFIDENT = 0.5


def diffused(
    logits_NQhw: Tensor,
    chroma_N2hw: Tensor,
    lightness_N1HW: Tensor | None,
    lightness_range: tuple[float, float],
    stride: int,
    least: float,
) -> Tensor:
    """Chroma (N, 2, H, W), at the seeds that of `chroma_N2hw`, of its type and on its device.

    Seeds are the positions whose most likely bin has a probability of at least `least`, each at the
    pixel that it stands for; where a picture has none, those that come closest.

    Args:
        logits_NQhw: of the distributions, which no temperature or prior has sharpened.
        chroma_N2hw: the color of each position, from a decoding.
        lightness_N1HW: what was seen; from the darkest to the lightest of `lightness_range`.
    Raises:
        HuescapeError: no lightness.
    """
    if lightness_N1HW is None:
        raise HuescapeError("diffuse: no lightness to diffuse along; allowed: that of the photo")
    low, high = lightness_range
    top_Nhw = logits_NQhw.softmax(dim=1).amax(dim=1)
    least_N = top_Nhw.amax(dim=(1, 2)).clamp(max=least)
    is_sure_Nhw = (top_Nhw >= least_N[:, None, None]).cpu().numpy()
    unit_NHW = ((lightness_N1HW[:, 0] - low) / (high - low)).cpu().numpy()
    photos = zip(is_sure_Nhw, chroma_N2hw.cpu().numpy(), unit_NHW, strict=True)
    found = [_diffused_one(sure, seeds, plane, stride) for sure, seeds, plane in photos]
    return torch.from_numpy(np.stack(found)).to(chroma_N2hw)


def _diffused_one(
    is_sure_hw: npt.NDArray[np.bool_],
    chroma_2hw: npt.NDArray[np.float32],
    lightness_HW: npt.NDArray[np.float32],
    stride: int,
) -> npt.NDArray[np.float64]:
    rows, columns = (_pixels(side, stride) for side in lightness_HW.shape)
    is_seed_HW = np.zeros(lightness_HW.shape, bool)
    is_seed_HW[rows[:, None], columns] = is_sure_hw
    seeds_2HW = np.zeros((2, *lightness_HW.shape))
    seeds_2HW[:, rows[:, None], columns] = chroma_2hw
    return diffuse(lightness_HW, seeds_2HW, is_seed_HW)


def _pixels(side: int, stride: int) -> npt.NDArray[np.int64]:
    """Where the positions stand, that of an incomplete last block moved into the picture."""
    return np.minimum(np.arange(0, side, stride) + stride // 2, side - 1)
