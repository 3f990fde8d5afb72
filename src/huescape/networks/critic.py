"""ChromaGAN's critic: a PatchGAN (Isola et al. 2017) that scores overlapping patches of a photo.

Shape suffixes: N photos, 1 and 2 channels of lightness and chroma, h rows, w columns.

| layer (4 x 4)          | output (224 x 224) |
| ---------------------- | ------------------ |
| 3-64 s2, leaky ReLU    | 64 x 112 x 112     |
| 64-128 s2, leaky ReLU  | 128 x 56 x 56      |
| 128-256 s2, leaky ReLU | 256 x 28 x 28      |
| 256-512, leaky ReLU    | 512 x 28 x 28      |
| 512-1                  | 1 x 28 x 28        |

2,764,737 parameters. There is no batch norm: the gradient penalty is about the critic's gradient at
each photo by itself, and batch norm would make a photo's score depend on the others (Gulrajani et
al. 2017, section 4); the released code has none either. Scores are unbounded, as Wasserstein's
distance wants them. Each score sees 70 x 70 pixels. The slope of the leaky ReLU is 0.2 in Isola et
al., whose architecture the paper takes, and 0.3, its library's default, in the released code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from huescape.networks.blocks import xavier_init


class Critic(nn.Module):
    """Scores of patches; high for real colors.

    `width` is the number of channels of layer one, `slope` that of the leaky ReLU.
    """

    def __init__(self, width: int = 64, slope: float = 0.3) -> None:
        super().__init__()
        levels = (3, width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(levels):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(slope)]
        layers += [*_kept(4 * width, 8 * width), nn.LeakyReLU(slope), *_kept(8 * width, 1)]
        self.layers = nn.Sequential(*layers)
        xavier_init(self)

    def forward(self, lightness_N1hw: Tensor, chroma_N2hw: Tensor) -> Tensor:
        """Scores (N, 1, h/8, w/8) of lightness and chroma, all in [0, 1]; h, w from 8."""
        scores: Tensor = self.layers(torch.cat((lightness_N1hw, chroma_N2hw), dim=1))
        return scores


def _kept(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
    """A 4 x 4 convolution that keeps the resolution, so its zeros cannot be the same all round."""
    return nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inputs, outputs, 4)
