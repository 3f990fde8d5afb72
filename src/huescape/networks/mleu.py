"""MLEU: a U-Net whose encoder takes in a pretrained ImageNet network's features at each level.

Shape suffixes: N photos, C channels, H rows, W columns, Q bins or 2 channels of chroma.

Published: lightness in [0, 1]; five encoding and five decoding blocks with skips, one of them at
full resolution; the last convolution of an encoding block has stride 2 in place of pooling; the
features of VGG-16 of the gray photo enter the encoder after every block; the decoder up-samples and
then convolves; batch norm and ReLU; a 1 x 1 head for 313 bins, or for 2 channels of chroma in
[0, 1] with tanh.
Chosen here: two 3 x 3 convolutions a block, widths w, 2w, 4w,
8w, 8w with w = 32; up-sampling that repeats each pixel 2 x 2; skips from before an encoding block's
convolution of stride 2, so that each decoding block finds one of its own resolution; and the
pretrained network frozen, of each stride the features of its last layer that has it (P_k of them at
stride 2^k), put through a batch norm, since their sizes differ from network to network.

| part       | layers                                                        | output (256^2) |
| ---------- | ------------------------------------------------------------- | -------------- |
| encoding 1 | conv 1-w (skip 1); conv w-w stride 2                          | w x 128 x 128  |
| encoding 2 | conv (w + P_1)-2w (skip 2); conv 2w-2w stride 2               | 2w x 64 x 64   |
| encoding 3 | conv (2w + P_2)-4w (skip 3); conv 4w-4w stride 2              | 4w x 32 x 32   |
| encoding 4 | conv (4w + P_3)-8w (skip 4); conv 8w-8w stride 2              | 8w x 16 x 16   |
| encoding 5 | conv (8w + P_4)-8w (skip 5); conv 8w-8w stride 2              | 8w x 8 x 8     |
| decoding 5 | up; conv (8w + P_5 + 8w)-8w, conv 8w-8w                       | 8w x 16 x 16   |
| decoding 4 | up; conv (8w + 8w)-4w, conv 4w-4w                             | 4w x 32 x 32   |
| decoding 3 | up; conv (4w + 4w)-2w, conv 2w-2w                             | 2w x 64 x 64   |
| decoding 2 | up; conv (2w + 2w)-w, conv w-w                                | w x 128 x 128  |
| decoding 1 | up; conv (w + w)-w, conv w-w                                  | w x 256 x 256  |
| head       | conv 1 x 1, w-Q                                               | Q x 256 x 256  |

Batch norm and ReLU follow every convolution but the head's, so those have no bias. With `stride`
2 or 4 the decoder ends one or two blocks earlier, and the head stands on the block before.

Trained parameters: a convolution from a to b channels and its norm have 9 a b + 2 b. Without the
features, the encoder has (9 + 54 + 216 + 864 + 1152) w^2 + 9 w in convolutions and 92 w in norms,
the decoder (1728 + 720 + 180 + 45 + 27) w^2 and 64 w, the head w Q + Q; together 4995 w^2 + 165 w
+ w Q + Q, 5,130,489 at w = 32 and Q = 313. Each level's features add 9 P_k times the channels of
the convolution that reads them (2w, 4w, 8w, 8w, 8w), and 2 P_k in their norm: EfficientNet-Lite0's
16, 24, 40, 112 and 320 add 1,125,376, which makes 6,255,865; VGG-16's 128, 256, 512, 512 and 512
add 3,911,424, which makes 9,041,913.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.networks.base import Network
from huescape.networks.blocks import joined, xavier_init
from huescape.networks.options import Width
from huescape.networks.pretrained import Encoder, Pretrained

_LEVELS = 5


class _ConvNorm(nn.Module):
    """A 3 x 3 convolution, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        return F.relu_(self.norm(self.conv(x_NCHW)))


class Mleu(Network):
    """Logits of `outputs` bins, or normalized chroma, from lightness and pretrained features.

    Args:
        outputs: number of bins, or 2 for chroma.
        width: channels of the first level.
        pretrained: `efficientnet_lite0`, `vgg16` (as published), `<architecture>:<path of a
            state-dict file>`, or `none` for a U-Net that has only what it learns itself.
        activation: for chroma: `tanh01`, as published, a tanh that stands for chroma in [0, 1],
            0 at -1 and 1 at 1 of normalized chroma; `tanh`, whose whole range does.
        stride: resolution of the input divided by that of the output, 1 as published.

    Raises:
        ParamsError: an activation other than `none` with a number of outputs other than 2.
    """

    multiple = 2**_LEVELS
    takes_pretrained = True

    def __init__(
        self,
        outputs: int,
        width: Width = 32,
        pretrained: Pretrained = "efficientnet_lite0",
        activation: Literal["none", "tanh", "tanh01"] = "none",
        stride: Literal[1, 2, 4] = 1,
    ) -> None:
        super().__init__()
        if activation != "none" and outputs != 2:
            raise ParamsError(
                f"network.activation is {activation!r} with {outputs} outputs; allowed: none, or "
                "tanh and tanh01 with a loss of chroma (2 outputs)"
            )
        self.stride = stride
        self.activation = activation
        self.pretrained = None if pretrained == "none" else pretrained
        encoder = Encoder(pretrained) if self.pretrained else None
        features = encoder.channels if encoder else {}
        widths = {2**k: width * min(2 ** (k - 1), 8) for k in range(1, _LEVELS + 1)}
        below = self._build_encoding(widths, features)
        self.head = nn.Conv2d(self._build_decoding(widths, below), outputs, 1)
        xavier_init(self)
        self._start_gray()
        # After the initialization, which must leave the pretrained weights as they are.
        self.encoder = encoder

    def _build_encoding(self, widths: Mapping[int, int], features: Mapping[int, int]) -> int:
        """The encoding blocks and the norms of the features; the channels that they end with."""
        self.before, self.halving, self.norms = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        inputs = 1
        for level, width in widths.items():
            self.before[str(level)] = _ConvNorm(inputs, width)
            self.halving[str(level)] = _ConvNorm(width, width, stride=2)
            inputs = width
            if level in features:
                self.norms[str(level)] = nn.BatchNorm2d(features[level])
                inputs += features[level]
        return inputs

    def _build_decoding(self, widths: Mapping[int, int], below: int) -> int:
        """The decoding blocks, by the level that each begins at; the channels of the last."""
        self.decoding = nn.ModuleDict()
        for level in sorted(widths, reverse=True):
            if level == self.stride:
                break
            width = widths.get(level // 2, widths[level])
            convs = (_ConvNorm(below + widths[level], width), _ConvNorm(width, width))
            self.decoding[str(level)] = nn.Sequential(*convs)
            below = width
        return below

    def _start_gray(self) -> None:
        """Nearly uniform, or gray, at first: a tanh that starts saturated hardly leaves that state.

        Measured on eight photos: 60 times the squared error after 150 steps.
        """
        nn.init.xavier_uniform_(self.head.weight, gain=0.1)
        if self.activation == "tanh01":
            nn.init.constant_(self.head.bias, math.atanh(0.5))  # type: ignore[arg-type]

    def load_pretrained(self) -> None:
        """Those of the encoder, which stay as they are."""
        if self.encoder is not None:
            self.encoder.load()

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, Q, H / stride, W / stride).

        H and W are multiples of 32. Logits, or normalized chroma.
        """
        features = self.encoder(input_N1HW) if self.encoder is not None else {}
        skips: dict[str, Tensor] = {}
        x_NCHW = input_N1HW + 0.5  # in [0, 1]
        for level, before in self.before.items():
            skips[level] = before(x_NCHW)
            x_NCHW = self.halving[level](skips[level])
            if level in self.norms:
                x_NCHW = joined(x_NCHW, self.norms[level](features[int(level)]))
        for level, block in self.decoding.items():
            doubled_NCHW = F.interpolate(x_NCHW, scale_factor=2, mode="nearest")
            x_NCHW = block(joined(doubled_NCHW, skips[level]))
        return self._activated(self.head(x_NCHW))

    def _activated(self, output_NQHW: Tensor) -> Tensor:
        if self.activation == "none":
            return output_NQHW
        tanh_N2HW = output_NQHW.tanh()
        return tanh_N2HW if self.activation == "tanh" else 2 * tanh_N2HW - 1
