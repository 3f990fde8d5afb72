"""A color space for pictures of 8 bits, in operations of torch alone: what a graph can hold.

`spaces` is what it follows: lightness of levels within a few units in the last place, and levels
within 1, where float32 here and float64 there round to different sides.

Shape suffixes: H rows, W columns, P = H * W pixels, 3 channels of RGB, 2 of chroma, K levels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from huescape.color.space_kernels import LINEAR_BELOW, OFFSET, SLOPE, STRAIGHT_BELOW
from huescape.color.spaces import RGB_FROM_LAB, RGB_FROM_YUV, XYZ_FROM_RGB, YUV_FROM_RGB
from huescape.color.srgb import linear_light

# IEC 61966-2-1.
_GAMMA_BELOW = 0.0031308


class TensorSpace(nn.Module):
    """Lab or YUV: `lightness` of a picture, and the `picture` of lightness and chroma.

    Args:
        name: a key of `spaces.SPACES`.
    """

    share_3K: Tensor
    back_33: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.is_lab = name == "lab"
        levels_K = np.arange(256) / 255
        light_K = linear_light(levels_K) if self.is_lab else levels_K
        row_3 = (XYZ_FROM_RGB if self.is_lab else YUV_FROM_RGB)[1 if self.is_lab else 0]
        # Rounded where `spaces` rounds: each level's light, the row, and their product.
        share_3K = row_3.astype(np.float32)[:, None] * light_K.astype(np.float32)
        back_33 = (RGB_FROM_LAB if self.is_lab else RGB_FROM_YUV).astype(np.float32)
        self.register_buffer("share_3K", torch.from_numpy(share_3K))
        self.register_buffer("back_33", torch.from_numpy(back_33))

    def lightness(self, rgb_HW3: Tensor) -> Tensor:
        """Lightness (H, W) float32 in the space's units, of levels uint8."""
        level_P3 = rgb_HW3.reshape(-1, 3)
        shares = [self.share_3K[c].index_select(0, level_P3[:, c].int()) for c in range(3)]
        sum_HW = (shares[0] + shares[1] + shares[2]).reshape(rgb_HW3.shape[:2])
        if not self.is_lab:
            return sum_HW
        root_HW = sum_HW.clamp(min=LINEAR_BELOW) ** (1 / 3)
        curved_HW = torch.where(sum_HW > LINEAR_BELOW, root_HW, sum_HW * SLOPE + OFFSET)
        return curved_HW * 116 - 16

    def picture(self, lightness_HW: Tensor, chroma_2HW: Tensor) -> Tensor:
        """RGB (H, W, 3) uint8; what leaves the gamut is clipped channel by channel."""
        planes = (self._xyz if self.is_lab else self._yuv)(lightness_HW, chroma_2HW)
        found = []
        for row_3 in self.back_33:
            unit_HW = (planes[0] * row_3[0] + planes[1] * row_3[1] + planes[2] * row_3[2]).clamp(
                0, 1
            )
            encoded_HW = _encoded(unit_HW) if self.is_lab else unit_HW
            found.append((encoded_HW * 255 + 0.5).floor().to(torch.uint8))
        return torch.stack(found, dim=-1)

    def _xyz(self, lightness_HW: Tensor, ab_2HW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """X, Y and Z relative to the white."""
        fy_HW = (lightness_HW + 16) / 116
        fx_HW = fy_HW + ab_2HW[0] / 500
        fz_HW = (fy_HW - ab_2HW[1] / 200).clamp(min=0)
        return _uncurved(fx_HW), _uncurved(fy_HW), _uncurved(fz_HW)

    def _yuv(self, luma_HW: Tensor, uv_2HW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return luma_HW, uv_2HW[0], uv_2HW[1]


def _uncurved(f_HW: Tensor) -> Tensor:
    return torch.where(f_HW > STRAIGHT_BELOW, f_HW * f_HW * f_HW, (f_HW - OFFSET) * (1 / SLOPE))


def _encoded(linear_HW: Tensor) -> Tensor:
    """sRGB's curve, of linear light in [0, 1]."""
    curved_HW = 1.055 * linear_HW.clamp(min=_GAMMA_BELOW) ** (1 / 2.4) - 0.055
    return torch.where(linear_HW > _GAMMA_BELOW, curved_HW, linear_HW * 12.92)
