"""EfficientNet-Lite0's features by stage, frozen or with its last stages trained on.

Shape suffixes: N photos, C channels, H rows, W columns.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from huescape.networks.pretrained import efficientnet_lite0 as lite0
from huescape.networks.pretrained.weights import fill, read_tensors

NAME = "efficientnet_lite0"


class Stages(nn.Module):
    """Features of a gray photo at strides 4, 8, 16 (of two stages) and 32, and the pooled ones.

    It is always in evaluation mode, its batch norms with the statistics, scales and shifts of
    ImageNet. With `tuned`, the convolutions of stages 5 to 7 and of the head are trained on; else
    nothing is, and it runs without gradients. Construction reads no weights; `load` does.
    """

    def __init__(self, tuned: bool = False) -> None:
        super().__init__()
        self.trunk = lite0.Trunk().requires_grad_(False)
        self.tuned = tuned
        for parameter in self.trunk.late_convolutions():
            parameter.requires_grad_(tuned)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever `mode` says."""
        return super().train(False)

    def load(self) -> None:
        """Fill in the pretrained weights.

        Raises HuescapeError for a package that is not installed or another version of it.
        """
        fill(self.trunk, read_tensors(NAME), NAME)

    def forward(self, gray_N1HW: Tensor) -> tuple[dict[int, Tensor], Tensor]:
        """Gray sRGB in [0, 1] to {stage: features}, of stages 2, 3, 4, 5 and 7, and (N, 1280).

        H and W are multiples of 32; `efficientnet_lite0.Trunk` tells the shapes.
        """
        with torch.no_grad():
            seen_N1HW = (gray_N1HW - lite0.MEAN[0]) / lite0.STD[0]
            rgb_N3HW = seen_N1HW.expand(-1, 3, -1, -1)
            early = self.trunk.stages_1_to_4(rgb_N3HW.contiguous(memory_format=torch.channels_last))
        if self.tuned:
            late, pooled = self.trunk.stages_5_to_7(early[4])
        else:
            with torch.no_grad():
                late, pooled = self.trunk.stages_5_to_7(early[4])
        return early | late, pooled
