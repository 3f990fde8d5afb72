"""VGG-16 (Simonyan & Zisserman 2015, configuration D): trunk and classifier.

Shape suffixes: N photos, C channels, H rows, W columns, K classes.

Five levels of 3 x 3 convolutions with ReLU, 64 x 2, 128 x 2, 256 x 3, 512 x 3, 512 x 3, each but
the first after a 2 x 2 max pool; then a last pool and 4096-4096-1000. Features of strides 1 to 16
are those of the last convolution of a level, after its ReLU; that of stride 32 is the last pool.
Other sizes than 224 x 224 are averaged to 7 x 7 before the dense layers, which changes nothing at
224 x 224.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
CHANNELS = {1: 64, 2: 128, 4: 256, 8: 512, 16: 512, 32: 512}
_LEVELS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class Features(nn.Module):
    """The trunk: features at six strides."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList()
        before = 3
        for channels, count in _LEVELS:
            inputs = (before, *[channels] * (count - 1))
            convs = (nn.Conv2d(n, channels, 3, padding=1) for n in inputs)
            self.levels.append(nn.Sequential(*(nn.Sequential(c, nn.ReLU()) for c in convs)))
            before = channels

    def forward(self, rgb_N3HW: Tensor) -> dict[int, Tensor]:
        """(N, 3, H, W), less MEAN and divided by STD, to {stride: (N, CHANNELS[stride], h, w)}."""
        x_NCHW, stride = rgb_N3HW, 1
        features: dict[int, Tensor] = {}
        for level in self.levels:
            x_NCHW = level(x_NCHW)
            features[stride] = x_NCHW
            x_NCHW, stride = F.max_pool2d(x_NCHW, 2), 2 * stride
        features[stride] = x_NCHW
        return features


class Classifier(nn.Module):
    """The whole network: 1000 ImageNet classes."""

    def __init__(self) -> None:
        super().__init__()
        self.features = Features()
        sizes = ((512 * 7 * 7, 4096), (4096, 4096), (4096, 1000))
        self.dense = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in sizes)

    def forward(self, rgb_N3HW: Tensor) -> Tensor:
        """(N, 3, H, W), less MEAN and divided by STD, to (N, 1000) logits; H, W 32 or more."""
        pooled_NCHW = F.adaptive_avg_pool2d(self.features(rgb_N3HW)[32], 7)
        # The dense weights count a channel's rows and columns first, whatever the memory layout.
        x_NC = pooled_NCHW.contiguous().flatten(1)
        for linear in self.dense[:-1]:
            x_NC = F.relu(linear(x_NC))
        logits_NK: Tensor = self.dense[-1](x_NC)
        return logits_NK
