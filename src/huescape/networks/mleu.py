"""MLEU: a U-Net that joins the features of a pretrained ImageNet network at each of its levels.

Shape suffixes: N photos, C channels, H rows, W columns, Q bins or 2 channels of chroma.

Published: five encoding and five decoding blocks with skips; the last convolution of an encoding
block has stride 2 in place of pooling; batch norm and ReLU; the pretrained features of the gray
photo joined at each level; a 1 x 1 head for 313 bins, or for 2 channels of chroma with tanh.
Chosen here, where the publication leaves it open: two 3 x 3 convolutions a block, widths w, 2w, 4w,
8w, 8w with w = 32; in a decoding block a transposed 3 x 3 convolution of stride 2 and one more
convolution; a batch norm of the pretrained features, whose sizes differ from network to network,
before they are joined. A level is what has one stride: the outputs of encoding block k and the
pretrained features of stride 2^k, P_k of them, which enter decoding block k together.

| part       | layers                                                        | output (256^2) |
| ---------- | ------------------------------------------------------------- | -------------- |
| encoding 1 | conv 1-w, conv w-w stride 2                                   | w x 128 x 128  |
| encoding 2 | conv w-2w, conv 2w-2w stride 2                                | 2w x 64 x 64   |
| encoding 3 | conv 2w-4w, conv 4w-4w stride 2                               | 4w x 32 x 32   |
| encoding 4 | conv 4w-8w, conv 8w-8w stride 2                               | 8w x 16 x 16   |
| encoding 5 | conv 8w-8w, conv 8w-8w stride 2                               | 8w x 8 x 8     |
| decoding 5 | transposed (8w + P_5)-8w, conv 8w-8w                          | 8w x 16 x 16   |
| decoding 4 | transposed (8w + 8w + P_4)-4w, conv 4w-4w                     | 4w x 32 x 32   |
| decoding 3 | transposed (4w + 4w + P_3)-2w, conv 2w-2w                     | 2w x 64 x 64   |
| decoding 2 | transposed (2w + 2w + P_2)-w, conv w-w                        | w x 128 x 128  |
| decoding 1 | transposed (w + w + P_1)-w, conv w-w                          | w x 256 x 256  |
| head       | conv 1 x 1, w-Q                                               | Q x 256 x 256  |

Batch norm and ReLU follow every convolution but the head's, so those have no bias. With `stride`
2 or 4 the decoder ends one or two blocks earlier, and the head stands on the block before.
"""

from __future__ import annotations

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
    """A 3 x 3 convolution, plain or transposed (`up`), batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, up: bool = False) -> None:
        super().__init__()
        self.conv: nn.Module
        if up:
            self.conv = nn.ConvTranspose2d(
                inputs, outputs, 3, stride, padding=1, output_padding=stride - 1, bias=False
            )
        else:
            self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride), or times stride if `up`."""
        return F.relu_(self.norm(self.conv(x_NCHW)))


class Mleu(Network):
    """Logits of `outputs` bins, or normalized chroma, from lightness and pretrained features.

    Args:
        outputs: number of bins, or 2 for chroma.
        width: channels of the first level.
        pretrained: `efficientnet_lite0`, `vgg16`, `<architecture>:<path of a state-dict file>`, or
            `none` for a U-Net that has only what it learns itself.
        activation: `tanh` keeps chroma within [-1, 1], as published for regression.
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
        activation: Literal["none", "tanh"] = "none",
        stride: Literal[1, 2, 4] = 1,
    ) -> None:
        super().__init__()
        if activation == "tanh" and outputs != 2:
            raise ParamsError(
                f"network.activation is 'tanh' with {outputs} outputs; allowed: none, or tanh "
                "with a loss of chroma (2 outputs)"
            )
        self.stride = stride
        self.activation = activation
        self.pretrained = None if pretrained == "none" else pretrained
        encoder = Encoder(pretrained) if self.pretrained else None
        extra = encoder.channels if encoder else {}
        widths = {2**k: width * min(2 ** (k - 1), 8) for k in range(1, _LEVELS + 1)}
        self._build(outputs, widths, extra)
        xavier_init(self)
        # Nearly uniform, or gray, at first: tanh that starts saturated hardly leaves that state
        # (measured on eight photos: 60 times the squared error after 150 steps).
        nn.init.xavier_uniform_(self.head.weight, gain=0.1)
        # After the initialization, which must leave the pretrained weights as they are.
        self.encoder = encoder

    def _build(self, outputs: int, widths: Mapping[int, int], extra: Mapping[int, int]) -> None:
        self.encoding = nn.ModuleDict()
        self.norms = nn.ModuleDict()
        self.decoding = nn.ModuleDict()
        before = 1
        for level, width in widths.items():
            blocks = (_ConvNorm(before, width), _ConvNorm(width, width, stride=2))
            self.encoding[str(level)] = nn.Sequential(*blocks)
            before = width
        decoded = 0
        for level in sorted(widths, reverse=True):
            if level == self.stride:
                break
            inputs = decoded + widths[level]
            if level in extra:
                self.norms[str(level)] = nn.BatchNorm2d(extra[level])
                inputs += extra[level]
            decoded = widths.get(level // 2, widths[level])
            blocks = (_ConvNorm(inputs, decoded, stride=2, up=True), _ConvNorm(decoded, decoded))
            self.decoding[str(level)] = nn.Sequential(*blocks)
        self.head = nn.Conv2d(decoded, outputs, 1)

    def load_pretrained(self) -> None:
        """Those of the encoder, which stay as they are."""
        if self.encoder is not None:
            self.encoder.load()

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, Q, H / stride, W / stride).

        H and W are multiples of 32. Logits, or normalized chroma.
        """
        features = self.encoder(input_N1HW) if self.encoder is not None else {}
        levels: dict[str, Tensor] = {}
        x_NCHW = input_N1HW
        for level, block in self.encoding.items():
            levels[level] = x_NCHW = block(x_NCHW)
        decoded_NCHW: Tensor | None = None
        for level, block in self.decoding.items():
            level_NCHW = levels[level]
            if level in self.norms:
                norm = self.norms[level]
                level_NCHW = joined(level_NCHW, norm(features[int(level)]))
            if decoded_NCHW is not None:
                level_NCHW = joined(decoded_NCHW, level_NCHW)
            decoded_NCHW = block(level_NCHW)
        output_NQHW: Tensor = self.head(decoded_NCHW)
        return output_NQHW.tanh() if self.activation == "tanh" else output_NQHW
