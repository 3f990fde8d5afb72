"""The flat network that ColorUNet is compared with (Billaut, de Rochemonteix & Thibault 2018).

Three 3 x 3 convolutions at full resolution, ReLU between them, no norm: 1-64, 64-32, 32-Q, as in
the authors' newest code (`models/naive_convnet.py` from its commit dc79238 on); before it stood
50-50-Q. Each output pixel sees 7 x 7 pixels. With v and w channels there are 9 v + v in the first,
9 v w + w in the second and 9 w Q + Q in the last: 640 + 18,464 + 9,248 = 28,352 parameters at
64, 32 and Q = 32.

Shape suffixes: N photos, H rows, W columns, Q bins.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from huescape.networks.base import Network
from huescape.networks.blocks import conv3, xavier_init
from huescape.networks.options import Width


class FlatNet(Network):
    """Logits of `outputs` color bins at full resolution from a pixel's nearest neighbors alone.

    `width` and `second` are the channels of the two hidden layers (64 and 32 in the authors' code).
    """

    def __init__(self, outputs: int, width: Width = 64, second: Width = 32) -> None:
        super().__init__()
        self.conv1 = conv3(1, width)
        self.conv2 = conv3(width, second)
        self.head = conv3(second, outputs)
        xavier_init(self)

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, Q, H, W) logits."""
        hidden_NCHW = F.relu_(self.conv2(F.relu_(self.conv1(input_N1HW))))
        logits_NQHW: Tensor = self.head(hidden_NCHW)
        return logits_NQHW
