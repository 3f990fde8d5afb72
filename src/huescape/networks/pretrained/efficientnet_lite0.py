"""EfficientNet-Lite0 (Tan & Le 2019; its Lite variant by Google, 2020): ReLU6, no squeeze.

Shape suffixes: N photos, C channels, H rows, W columns, K classes.

| part    | layers                                                  | stride | features |
| ------- | ------------------------------------------------------- | ------ | -------- |
| stem    | conv 3 x 3 stride 2, 32                                 |        |          |
| stage 1 | 1 block, 3 x 3, 16, not expanded                        | 2      | 16       |
| stage 2 | 2 blocks, 3 x 3, 24, first with stride 2                | 4      | 24       |
| stage 3 | 2 blocks, 5 x 5, 40, first with stride 2                | 8      | 40       |
| stage 4 | 3 blocks, 3 x 3, 80, first with stride 2                |        |          |
| stage 5 | 3 blocks, 5 x 5, 112                                    | 16     | 112      |
| stage 6 | 4 blocks, 5 x 5, 192, first with stride 2               |        |          |
| stage 7 | 1 block, 3 x 3, 320                                     | 32     | 320      |
| head    | conv 1 x 1, 1280; mean over the photo; linear, 1000     |        |          |

A block is a 1 x 1 convolution to six times the channels, a depthwise convolution and a 1 x 1
convolution back, each with batch norm, ReLU6 after the first two; its input is added where the
shapes allow. The weights were trained with TensorFlow's padding: what a convolution of stride 2
needs to give half the size, the larger part of it after the photo, not before. Lite1 and Lite2
have the same stages with more blocks and channels: `scaled`.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

MEAN = (127 / 255,) * 3
STD = (128 / 255,) * 3
CHANNELS = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}
Stages = tuple[tuple[int, int, int, int, int], ...]
STAGES: Stages = (  # blocks, kernel, stride, channels, expansion
    (1, 3, 1, 16, 1),
    (2, 3, 2, 24, 6),
    (2, 5, 2, 40, 6),
    (3, 3, 2, 80, 6),
    (3, 5, 1, 112, 6),
    (4, 5, 2, 192, 6),
    (1, 3, 1, 320, 6),
)
_EPSILON = 1e-3  # TensorFlow's, with which the weights were trained


def scaled(width: float, depth: float) -> Stages:
    """The stages with `width` times the channels and `depth` times the blocks (Tan & Le 2019).

    Channels go to the nearest multiple of 8, but not below nine tenths; blocks are rounded up. The
    Lite variants leave the stem, the head and the blocks of the first and the last stage as they
    are. Lite1 is `scaled(1.0, 1.1)`, Lite2 `scaled(1.1, 1.2)`.
    """
    ends = (0, len(STAGES) - 1)
    return tuple(
        (count if k in ends else math.ceil(depth * count), kernel, stride, _eights(width * c), more)
        for k, (count, kernel, stride, c, more) in enumerate(STAGES)
    )


def _eights(channels: float) -> int:
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class _ConvNorm(nn.Module):
    """A convolution without bias, batch norm, and ReLU6 if `active`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        super().__init__()
        inside = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, inside, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=_EPSILON)
        self.kernel, self.stride, self.active = kernel, stride, active

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        if self.stride > 1:
            rows, columns = (self._missing(size) for size in x_NCHW.shape[2:])
            around = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            x_NCHW = F.pad(x_NCHW, around)
        x_NCHW = self.norm(self.conv(x_NCHW))
        return F.relu6(x_NCHW) if self.active else x_NCHW

    def _missing(self, size: int) -> int:
        """Rows or columns to add so that ceil(size / stride) places fit."""
        places = -(-size // self.stride)
        return max((places - 1) * self.stride + self.kernel - size, 0)


class _Block(nn.Module):
    """An inverted residual block (Sandler et al. 2018) without squeeze and excitation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = _ConvNorm(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = _ConvNorm(inner, inner, kernel, stride, groups=inner)
        self.project = _ConvNorm(inner, outputs, active=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        result_NCHW: Tensor = self.project(self.depthwise(self.expand(x_NCHW)))
        return result_NCHW + x_NCHW if self.residual else result_NCHW


class Features(nn.Module):
    """The network up to its head: the last features of each stride."""

    def __init__(self, stages: Stages = STAGES) -> None:
        super().__init__()
        self.stem = _ConvNorm(3, 32, kernel=3, stride=2)
        self.blocks = nn.ModuleList()
        self._strides: list[int] = []  # from the input to after each block
        before, total = 32, 2
        for count, kernel, stride, channels, expansion in stages:
            for i in range(count):
                step = stride if i == 0 else 1
                self.blocks.append(_Block(before, channels, kernel, step, expansion))
                before, total = channels, total * step
                self._strides.append(total)

    def forward(self, rgb_N3HW: Tensor) -> dict[int, Tensor]:
        """(N, 3, H, W), less MEAN and divided by STD, to {stride: (N, CHANNELS[stride], h, w)}."""
        x_NCHW = self.stem(rgb_N3HW)
        features: dict[int, Tensor] = {}
        for block, stride in zip(self.blocks, self._strides, strict=True):
            x_NCHW = block(x_NCHW)
            features[stride] = x_NCHW
        return features


class Trunk(nn.Module):
    """The network up to its pooled features, stage by stage."""

    def __init__(self) -> None:
        super().__init__()
        self.features = Features()
        self.head = _ConvNorm(320, 1280)

    def stages(self, x_NCHW: Tensor, numbers: range) -> dict[int, Tensor]:
        """{stage: features} of successive stages, from those of the stage before the first.

        Stage 1 takes (N, 3, H, W), less MEAN and divided by STD.
        """
        if 1 in numbers:
            x_NCHW = self.features.stem(x_NCHW)
        features: dict[int, Tensor] = {}
        for stage in numbers:
            for block in self.features.blocks[_first_block(stage) : _first_block(stage + 1)]:
                x_NCHW = block(x_NCHW)
            features[stage] = x_NCHW
        return features

    def pooled(self, stage7_NCHW: Tensor) -> Tensor:
        """The features of stage 7 (N, 320, H/32, W/32) to the pooled ones (N, 1280)."""
        x_NCHW: Tensor = self.head(stage7_NCHW)
        return x_NCHW.mean(dim=(2, 3))

    def convolutions(self, first: int) -> list[nn.Parameter]:
        """The weights of the convolutions from the stage `first` on, and of the head."""
        parts = [*self.features.blocks[_first_block(first) :], self.head]
        if first == 1:
            parts.append(self.features.stem)
        modules = [m for part in parts for m in part.modules()]
        convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
        return [p for m in convolutions for p in m.parameters()]  # they have no bias


def _first_block(stage: int) -> int:
    """The number of the first block of a stage, the first of which is 1."""
    return sum(count for count, *_ in STAGES[: stage - 1])


class Classifier(nn.Module):
    """The whole network: 1000 ImageNet classes."""

    def __init__(self, stages: Stages = STAGES) -> None:
        super().__init__()
        self.features = Features(stages)
        self.head = _ConvNorm(stages[-1][3], 1280)
        self.linear = nn.Linear(1280, 1000)

    def forward(self, rgb_N3HW: Tensor) -> Tensor:
        """(N, 3, H, W), less MEAN and divided by STD, to (N, 1000) logits."""
        logits_NK: Tensor = self.linear(self.pooled(rgb_N3HW))
        return logits_NK

    def pooled(self, rgb_N3HW: Tensor) -> Tensor:
        """(N, 3, H, W), less MEAN and divided by STD, to (N, 1280): what the logits are made of."""
        x_NCHW: Tensor = self.head(self.features(rgb_N3HW)[32])
        return x_NCHW.mean(dim=(2, 3))
