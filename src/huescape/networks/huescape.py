"""The project's own network: a light decoder on EfficientNet-Lite0's features of the gray photo.

Shape suffixes: N photos, C channels, H rows, W columns, h, w those of the output, Q bins.

The encoder sees lightness L as the gray of sRGB that has it, as it has seen photos; its weights
come from a package and are not trained, so that what is trained and saved is the decoder alone.
Widths are 3w, 2w, 1.5w and w, with w = 64:

| stride | layers                                                                   | output     |
| ------ | ------------------------------------------------------------------------ | ---------- |
| pooled | dropout; linear 1280-2w; ReLU                                            | 2w         |
| 32     | stage 7 (320) and the pooled: conv 1 x 1 to 3w; dropout                  | 3w x H/32  |
| 16     | up; and stages 4 (80) and 5 (112): conv 1 x 1 to 2w; residual            | 2w x H/16  |
| 8      | up; and stage 3 (40): conv 3 x 3 to 1.5w; residual; dropout              | 1.5w x H/8 |
| 4      | up; and stage 2 (24), 4 x 4 lightness (16): conv 1 x 1 to w; residual    | w x H/4    |
| heads  | conv 1 x 1 to Q; in training, conv 1 x 1 to 2 beside it                  | Q x H/4    |

Batch norm and ReLU follow every convolution but the heads'; a residual is a 3 x 3 convolution with
batch norm, added to its input before ReLU; "up" is bilinear, and "and" joins channels. Dropout is
of single features for the pooled ones and of whole channels elsewhere.

Trained parameters: a convolution from a to b channels and its norm have k^2 a b + 2 b. The pooled
2,562 w; stride 32: 6 w^2 + 966 w; 16: 42 w^2 + 392 w; 8: 47.25 w^2 + 546 w; 4: 10.5 w^2 + 44 w; the
heads w Q + Q + 2 w + 2. At w = 64 and Q = 313 that is 742,267. With `tuned_from`, the
weights of the encoder's convolutions from that stage on and in its head are trained as well:
3,083,200 from stage 5, 3,314,416 from stage 3, 3,328,992 from stage 1, which takes the stem along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from huescape.networks.base import Network
from huescape.networks.blocks import he_init
from huescape.networks.options import EvenWidth
from huescape.networks.pretrained.stages import LAST, NAME, Stages
from huescape.params.base import Head

# What 1 of the head of chroma is in normalized chroma: 11 of ab, so that a step of the optimizer
# moves colors by about 1. With 110, its gradient was 20 times that of all the rest together, which
# was clipped with it.
_CHROMA_UNIT = 0.1

Dropped = Annotated[float, Field(ge=0, lt=1)]
Stage = Annotated[int, Field(ge=1, le=LAST)]


class _ConvNorm(nn.Module):
    """A convolution that keeps the resolution, batch norm, and ReLU after what is added."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x_NCHW: Tensor, added_NCHW: Tensor | None = None) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        y_NCHW: Tensor = self.norm(self.conv(x_NCHW))
        return F.relu(y_NCHW if added_NCHW is None else y_NCHW + added_NCHW)


class _Up(nn.Module):
    """Twice the resolution: bilinear, joined with others, a convolution and a residual one."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.join = _ConvNorm(inputs, outputs, kernel)
        self.residual = _ConvNorm(outputs, outputs, 3)

    def forward(self, x_NCHW: Tensor, *others: Tensor) -> Tensor:
        """(N, C, H, W) and others of (2H, 2W), `inputs` channels in all, to (outputs, 2H, 2W)."""
        up_NCHW = F.interpolate(x_NCHW, scale_factor=2, mode="bilinear", align_corners=False)
        y_NCHW = self.join(torch.cat((up_NCHW, *others), dim=1))
        result: Tensor = self.residual(y_NCHW, y_NCHW)
        return result


class Huescape(Network):
    """Logits of `outputs` bins; in training, normalized chroma in 2 channels more.

    Args:
        outputs: number of bins.
        width: channels of the last level.
        drop_pooled: share of the pooled features that is dropped in training.
        drop_channels: share of the channels that is dropped at strides 32 and 8 in training.
        tuned_from: the first of the encoder's stages, 1 to 7, whose convolutions are trained on;
            they are then saved as well, and are the network's slow part. None trains none.
    """

    heads: tuple[Head, ...] = ("bins",)
    multiple = 32
    stride = 4
    takes_pretrained = True
    pretrained = NAME
    space = "lab"
    beside: Head | None = "chroma"

    def __init__(
        self,
        outputs: int,
        width: EvenWidth = 64,
        drop_pooled: Dropped = 0.4,
        drop_channels: Dropped = 0.15,
        tuned_from: Stage | None = None,
    ) -> None:
        super().__init__()
        self.width = width
        wide, middle, narrow = 3 * width, 2 * width, 3 * width // 2
        self.pooled = nn.Sequential(nn.Dropout(drop_pooled), nn.Linear(1280, middle), nn.ReLU())
        self.bottleneck = _ConvNorm(320 + middle, wide, 1)
        self.up16 = _Up(wide + 80 + 112, middle, 1)
        self.up8 = _Up(middle + 40, narrow, 3)
        self.up4 = _Up(narrow + 24 + 16, width, 1)
        self.drop = nn.Dropout2d(drop_channels)
        self.head = nn.Conv2d(width, outputs, 1)
        self.chroma = nn.Conv2d(width, 2, 1)
        he_init(self)
        for head in (self.head, self.chroma):  # nearly uniform, and gray, at first
            nn.init.normal_(head.weight, std=0.01)
        # After the initialization, which must leave the pretrained weights as they are.
        self.encoder = Stages(tuned_from)

    def load_pretrained(self) -> None:
        """Those of the encoder."""
        self.encoder.load()

    def slow_part(self) -> Iterable[nn.Parameter]:
        """The encoder's convolutions that are trained on."""
        return [p for p in self.encoder.parameters() if p.requires_grad]

    def apart(self) -> Collection[str]:
        """All of the encoder but what is trained on."""
        trained = {name for name, p in self.named_parameters() if p.requires_grad}
        return [n for n in self.state_dict() if n.startswith("encoder.") and n not in trained]

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness of Lab to (N, Q, H/4, W/4), Q + 2 in training.

        H and W are multiples of 32.
        """
        stage, pooled_NC = self.encoder(gray(input_N1HW))
        around_NC11 = self.pooled(pooled_NC)[:, :, None, None]
        around_NCHW = around_NC11.expand(-1, -1, *stage[7].shape[2:])
        x_NCHW = self.drop(self.bottleneck(torch.cat((stage[7], around_NCHW), dim=1)))
        x_NCHW = self.up16(x_NCHW, stage[4], stage[5])
        x_NCHW = self.drop(self.up8(x_NCHW, stage[3]))
        x_NCHW = self.up4(x_NCHW, stage[2], F.pixel_unshuffle(input_N1HW, 4))
        logits_NQhw: Tensor = self.head(x_NCHW)
        if not self.training:
            return logits_NQhw
        return torch.cat((logits_NQhw, _CHROMA_UNIT * self.chroma(x_NCHW)), dim=1)


def gray(input_N1HW: Tensor) -> Tensor:
    """Normalized lightness of Lab, L / 100 - 1/2, as the gray of sRGB that has it, in [0, 1]."""
    lightness = (100 * input_N1HW + 50).clamp(0, 100)
    # CIE 1976 L*, and the curve of IEC 61966-2-1.
    luminance = torch.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389)
    bent = 1.055 * luminance.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(luminance > 0.0031308, bent, 12.92 * luminance)
