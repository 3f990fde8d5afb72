"""ColorUNet (Billaut, de Rochemonteix & Thibault 2018): a light U-Net that classifies every pixel.

Shape suffixes: N photos, C channels, H rows, W columns, Q bins.

| level    | layers                                               | output (256^2)   |
| -------- | ---------------------------------------------------- | ---------------- |
| down 1   | conv 1-16, conv 16-16, pool, norm                    | 16 x 128 x 128   |
| down 2   | conv 16-32, conv 32-32, pool, norm                   | 32 x 64 x 64     |
| down 3   | conv 32-64, conv 64-64, pool, norm                   | 64 x 32 x 32     |
| up 1     | transposed 64-32, conv 32-32, conv 32-32, norm       | 32 x 64 x 64     |
| up 2     | transposed (32 + 32)-16, conv 16-32, conv 32-32, norm | 32 x 128 x 128   |
| up 3     | transposed (32 + 16)-16, conv 16-16                  | 16 x 256 x 256   |
| head     | conv 1 x 1, 16-Q                                     | Q x 256 x 256    |

Parameters at width 16 and Q = 32, biases included: the way down has 71,792 in convolutions and 224
in norms, up 1, 2 and 3 have 37,024, 23,184 and 9,248, the head 544; together 142,016. This is the
reading with 3 x 3 transposed convolutions; with 2 x 2 ones it would be 122,816.

A transposed convolution centers its input j at 2j of its output; the authors' library pads other
sides and centers it at 2j + 1, the mirror image.

Batch norm normalizes by the batch while training, as the paper says. In the authors' code it never
does: its training flag is not set, so each norm divides by sqrt(1 + 0.001) and is left with its
trained scale and shift.

Without skips (the ablation of the paper) nothing is joined: up 2 reads 32 channels and up 3 reads
32, which saves 9 (2w x w + w x w) = 27 w^2 weights: 6,912 at width 16, 135,104 are left. The
authors' code compares with an older bottleneck that also differs in its strides and norms; here
the skips alone differ, so that a comparison says what they do.
"""

from __future__ import annotations

from torch import Tensor, nn

from huescape.networks.base import Network
from huescape.networks.blocks import DownBlock, UpBlock, joined, xavier_init
from huescape.networks.options import Width


class ColorUNet(Network):
    """Logits of `outputs` color bins at full resolution from the lightness alone.

    `width` is the number of channels of the first level (16 as published); `skips` joins the
    encoder's levels to the decoder's.
    """

    multiple = 8

    def __init__(self, outputs: int, width: Width = 16, skips: bool = True) -> None:
        super().__init__()
        self.skips = skips
        w1, w2, w3 = width, 2 * width, 4 * width
        self.down1 = DownBlock(1, w1)
        self.down2 = DownBlock(w1, w2)
        self.down3 = DownBlock(w2, w3)
        self.up1 = UpBlock(w3, (w2, w2, w2), norm=True)
        self.up2 = UpBlock(w2 + w2 * skips, (w1, w2, w2), norm=True)
        self.up3 = UpBlock(w2 + w1 * skips, (w1, w1), norm=False)
        self.head = nn.Conv2d(w1, outputs, 1)
        xavier_init(self)

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, Q, H, W) logits; H, W multiples of 8."""
        half_NCHW = self.down1(input_N1HW)
        quarter_NCHW = self.down2(half_NCHW)
        decoded_NCHW = self.up1(self.down3(quarter_NCHW))
        decoded_NCHW = self.up2(self._skipped(decoded_NCHW, quarter_NCHW))
        decoded_NCHW = self.up3(self._skipped(decoded_NCHW, half_NCHW))
        logits_NQHW: Tensor = self.head(decoded_NCHW)
        return logits_NQHW

    def _skipped(self, decoded_NCHW: Tensor, skip_NCHW: Tensor) -> Tensor:
        return joined(decoded_NCHW, skip_NCHW) if self.skips else decoded_NCHW
