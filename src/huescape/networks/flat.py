"""The flat network that ColorUNet is compared with (Billaut, de Rochemonteix & Thibault 2018).

Three 3 x 3 convolutions at full resolution, ReLU between them, no norm: 1-50, 50-50, 50-Q, as in
the authors' code; each output pixel sees 7 x 7 pixels. At width w it has 10 w + 9 w^2 + w + 9 w Q
+ Q parameters: 37,482 at width 50 and Q = 32.

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

    `width` is the number of channels of both hidden layers (50 in the authors' code).
    """

    def __init__(self, outputs: int, width: Width = 50) -> None:
        super().__init__()
        self.conv1 = conv3(1, width)
        self.conv2 = conv3(width, width)
        self.head = conv3(width, outputs)
        xavier_init(self)

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, Q, H, W) logits."""
        hidden_NCHW = F.relu_(self.conv2(F.relu_(self.conv1(input_N1HW))))
        logits_NQHW: Tensor = self.head(hidden_NCHW)
        return logits_NQHW
