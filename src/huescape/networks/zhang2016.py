"""The eight-block network of "Colorful Image Colorization" (Zhang, Isola & Efros 2016).

Shape suffixes: N photos, C channels, H rows, W columns; h, w rows and columns of the output;
Q bins.

| block | layers (3 x 3 unless said)                        | output (256^2) | weights and biases |
| ----- | ------------------------------------------------- | -------------- | ------------------ |
| conv1 | 1-64, 64-64 stride 2, norm                        | 64 x 128^2     | 37,568             |
| conv2 | 64-128, 128-128 stride 2, norm                    | 128 x 64^2     | 221,440            |
| conv3 | 128-256, 256-256, 256-256 stride 2, norm          | 256 x 32^2     | 1,475,328          |
| conv4 | 256-512, 512-512, 512-512, norm                   | 512 x 32^2     | 5,899,776          |
| conv5 | 3 x 512-512, dilation 2, norm                     | 512 x 32^2     | 7,079,424          |
| conv6 | 3 x 512-512, dilation 2, norm                     | 512 x 32^2     | 7,079,424          |
| conv7 | 3 x 512-512, norm                                 | 512 x 32^2     | 7,079,424          |
| conv8 | transposed 4 x 4 stride 2 512-256, 2 x 256-256    | 256 x 64^2     | 3,277,568          |
| head  | 1 x 1, 256-Q                                      | Q x 64^2       | 257 Q              |

ReLU follows every layer but the head; batch norm comes after the ReLU. At width 64 and Q = 313
that is 32,230,393 parameters. The norms have none, as in the released Caffe code: its BatchNorm
layers are not followed by Scale layers, so nothing is learned in them.

Where an output looks: each of the three strides keeps its first pixel, so that the eighth-size
features lie on pixels 0, 8, 16, …, and the transposed convolution puts output j at 4j - 2, before
the photo for j = 0. The released code trains output j on the color of pixel 4j, two pixels off. The
targets here are pixels 4j + 2, the middles of the blocks: with `centered` the transposed
convolution leaves out its first row and column and adds one at the end, so that output j lies at
4j + 2 too (measured in `tests/networks/test_zhang2016.py`). Released weights are for
`centered: false`.

The running statistics of the norms move by `norm_momentum` a step: 0.1, torch's own, for runs of
any length. The released Caffe layers keep 0.999 of them: 0.001, for runs of many thousands of
steps. Their eps of 1e-5 is the same. In training it makes no difference.

The released code names no random weights: its layers are zero until k-means sets them
(Krähenbühl et al. 2016). Where k-means is not asked for, they are He normal here (He et al. 2015),
and the head, which no ReLU follows, starts at a tenth of the variance-keeping scale.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape.networks.base import Network
from huescape.networks.blocks import UpConv, conv3, he_init
from huescape.networks.options import Momentum, Width
from huescape.networks.pretrained.zhang2016 import released_state


class Zhang2016(Network):
    """Logits of `outputs` color bins at a quarter of the resolution from the lightness alone.

    `width` is the number of channels of the first block (64 as published); for `centered` and
    `norm_momentum` see the module's text.
    """

    multiple = 8
    stride = 4

    def __init__(
        self,
        outputs: int,
        width: Width = 64,
        centered: bool = True,
        norm_momentum: Momentum = 0.1,
    ) -> None:
        super().__init__()
        w1, w2, w4, w8 = width, 2 * width, 4 * width, 8 * width
        self.conv1 = _block((1, w1, w1), stride=2)
        self.conv2 = _block((w1, w2, w2), stride=2)
        self.conv3 = _block((w2, w4, w4, w4), stride=2)
        self.conv4 = _block((w4, w8, w8, w8))
        self.conv5 = _block((w8, w8, w8, w8), dilation=2)
        self.conv6 = _block((w8, w8, w8, w8), dilation=2)
        self.conv7 = _block((w8, w8, w8, w8))
        self.conv8 = _UpBlock(w8, w4, centered)
        self.head = nn.Conv2d(w4, outputs, 1)
        he_init(self)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = norm_momentum
        # Nearly equal bins, or nearly no chroma: an output of variance 1 would be a color of 110
        # units, which a regression has to unlearn first.
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="linear")
        with torch.no_grad():
            self.head.weight.mul_(0.1)

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, Q, H/4, W/4) logits; H, W multiples of 8."""
        x_NCHW = self.conv3(self.conv2(self.conv1(input_N1HW)))
        x_NCHW = self.conv7(self.conv6(self.conv5(self.conv4(x_NCHW))))
        logits_NQhw: Tensor = self.head(self.conv8(x_NCHW))
        return logits_NQhw

    def load_released(self, path: Path, centers_Q2: Tensor | None = None) -> None:
        """Fill in the authors' weights (see `pretrained.zhang2016`); those fit 313 bins alone."""
        self.load_state_dict(released_state(path, self.state_dict(), centers_Q2), strict=False)


def _block(widths: tuple[int, ...], stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3 x 3 convolutions from each width to the next, with ReLU; the last has the stride; norm."""
    pairs = list(pairwise(widths))
    layers: list[nn.Module] = []
    for k, (before, after) in enumerate(pairs):
        last = k == len(pairs) - 1
        layers += [conv3(before, after, stride if last else 1, dilation), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.BatchNorm2d(widths[-1], affine=False))


class _UpBlock(nn.Module):
    """A 4 x 4 transposed convolution of stride 2, two 3 x 3 convolutions, each with ReLU."""

    def __init__(self, inputs: int, outputs: int, centered: bool) -> None:
        super().__init__()
        self._first = int(centered)
        self.up = UpConv(inputs, outputs, 4, stride=2, padding=1, output_padding=self._first)
        self.conv2 = conv3(outputs, outputs)
        self.conv3 = conv3(outputs, outputs)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        up_NCHW = self.up(x_NCHW)[..., self._first :, self._first :]
        x_NCHW = F.relu_(self.conv2(F.relu_(up_NCHW)))
        return F.relu_(self.conv3(x_NCHW))
