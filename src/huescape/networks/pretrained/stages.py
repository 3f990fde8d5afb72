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
LAST = 7


class Stages(nn.Module):
    """Features of a gray photo at strides 4, 8, 16 (of two stages) and 32, and the pooled ones.

    It is always in evaluation mode, its batch norms with the statistics, scales and shifts of
    ImageNet. The convolutions from the stage `tuned_from` on, and of the head, are trained on, what
    is before them runs without gradients; None trains nothing. Construction reads no weights;
    `load` does.
    """

    def __init__(self, tuned_from: int | None = None) -> None:
        super().__init__()
        self.trunk = lite0.Trunk().requires_grad_(False)
        self.tuned_from = tuned_from
        if tuned_from is not None:
            for parameter in self.trunk.convolutions(tuned_from):
                parameter.requires_grad_(True)
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
        """Gray sRGB in [0, 1] to {stage: features}, of stages 1 to 7, and (N, 1280).

        H and W are multiples of 32; `efficientnet_lite0` tells the shapes.
        """
        seen_N1HW = (gray_N1HW - lite0.MEAN[0]) / lite0.STD[0]
        rgb_N3HW = seen_N1HW.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        first = LAST + 1 if self.tuned_from is None else self.tuned_from
        with torch.no_grad():
            found = self.trunk.stages(rgb_N3HW, range(1, first))
        if self.tuned_from is None:
            with torch.no_grad():
                return found, self.trunk.pooled(found[LAST])
        before_NCHW = found[first - 1] if found else rgb_N3HW
        found |= self.trunk.stages(before_NCHW, range(first, LAST + 1))
        return found, self.trunk.pooled(found[LAST])
