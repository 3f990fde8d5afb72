"""The generator of ChromaGAN (Vitoria, Raad & Ballester, WACV 2020): color and classes at once.

Shape suffixes: N photos, 1 and 2 channels of lightness and chroma, C channels, H rows, W columns,
h, w rows and columns of the chroma, K classes, D features.

Sizes for 224 x 224 and width 64; every 3 x 3 convolution keeps the resolution unless it says s2:

| part     | layers                                                       | output         |
| -------- | ------------------------------------------------------------ | -------------- |
| trunk    | VGG16 to conv4_3: 64 x 2, pool, 128 x 2, pool, 256 x 3, pool, | 512 x 28 x 28 |
|          | 512 x 3, ReLU after each                                     |                |
| spread   | 512 s2, 512, 512 s2, 512, each ReLU and norm                 | 512 x 7 x 7    |
| vector   | dense 25,088-1024-512-256, nothing in between                | 256            |
| classes  | dense 25,088-4096-4096-1000, nothing in between              | 1000           |
| middle   | 512, 256, each ReLU and norm, of the trunk                   | 256 x 28 x 28  |
| fusion   | middle and the vector at every place; conv 1 x 1 to 256      | 256 x 28 x 28  |
| decoder  | 128, up, 64, 64, up, 32, each ReLU; 2, tanh x 1.159; up      | 2 x 224 x 224  |

"up" repeats each pixel 2 x 2. The paper leaves details open; they are read from the released code:
nothing but matrix products in the dense parts; batch norm with an epsilon of 1e-3 and a momentum
of 0.01, its library's defaults (0.99 as that library counts); lightness in [0, 1], three times,
for the trunk, whose weights were trained on 0 to 255 less a mean; a sigmoid for chroma, 0 to 1
being 255 Lab units from -128 on, which but for half a unit is tanh times 127.5 units; and a
decoder that stops at half the resolution, its last step being repetition. `stride=2` leaves that
step out.

Convolutions of stride 2 are padded on all sides and center output j at 2j; the library of the
released code pads after the photo alone and centers it at 2j + 1, the mirror image.

Other sizes than 224 x 224: the 7 x 7 field is an adaptive average pool, which changes nothing at
224 x 224, so height and width need only be multiples of 8.

Parameters at width 64 and 1000 classes: trunk 7,635,264; spread 9,439,232 and 4,096 in norms;
vector 26,347,264; classes 123,642,856; middle 3,539,712 and 1,536; fusion 131,328; decoder 424,802;
together 171,166,090.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.networks.base import Network
from huescape.networks.blocks import conv3, he_init, xavier_init
from huescape.networks.options import EvenWidth, Momentum
from huescape.networks.pretrained import vgg16
from huescape.networks.pretrained.weights import Pretrained, fill, parse, read_tensors

_VGG16_WIDTH = 64
# Side of the field that the dense layers read: 224 / 8 / 4.
_FIELD = 7
_EPSILON = 1e-3
# What tanh reaches: 127.5 Lab units, in those of normalized chroma (110).
_REACH = 1.159

Classes = Annotated[int, Field(ge=2)]


class ChromaGan(Network):
    """Chroma of every pixel, and while training the classes of the photo, from the lightness.

    `width` is the number of channels of the first level (64 as published), and every other number
    of channels and features is a multiple of it; `classes` is that of the teacher. `pretrained`
    `vgg16` (or `vgg16:<path>`) starts the trunk from ImageNet weights, as published; it is trained
    further. It is off by default because those weights are a download of 553 MB; the other parts
    always start at random. `normalize` shows the trunk lightness in ImageNet's statistics, as those
    weights know it, instead of in [0, 1], as released; `norm_momentum` is batch norm's, which
    needs 1 / momentum steps and more before evaluation resembles training.

    Raises:
        ParamsError: `pretrained` of another architecture, or of another width.
    """

    heads = ("chroma",)
    multiple = 8
    takes_pretrained = True

    def __init__(
        self,
        outputs: int,
        width: EvenWidth = 64,
        classes: Classes = 1000,
        stride: Literal[1, 2] = 1,
        pretrained: Pretrained = "none",
        normalize: bool = False,
        norm_momentum: Momentum = 0.01,
    ) -> None:
        super().__init__()
        self.pretrained = None if pretrained == "none" else _checked(pretrained, width)
        self.width, self.classes, self.stride = width, classes, stride
        self.normalize = normalize
        deep, field = 8 * width, 8 * width * _FIELD**2
        self.trunk = _trunk(width)
        self.spread = nn.Sequential(*(_normed(deep, deep, step) for step in (2, 1, 2, 1)))
        self.field = nn.AdaptiveAvgPool2d(_FIELD)
        self.vector = _dense(field, 16 * width, 8 * width, 4 * width)
        self.class_head = _dense(field, 64 * width, 64 * width, classes)
        self.middle = nn.Sequential(_normed(deep, deep, 1), _normed(deep, 4 * width, 1))
        self.fusion = nn.Conv2d(8 * width, 4 * width, 1)
        self.decoder = _decoder(width, outputs)
        xavier_init(self)
        # Ten layers of ReLU without norms would fade under Xavier's weights.
        he_init(self.trunk)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = _EPSILON, norm_momentum

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, 2, h, w) normalized chroma in [-1.159, 1.159].

        H and W are multiples of 8; h and w are H and W divided by `stride`.
        """
        trunk_NCHW = self._encode(input_N1HW)
        return self._decode(trunk_NCHW, self._spread(trunk_NCHW))

    def forward_with_classes(self, input_N1HW: Tensor) -> tuple[Tensor, Tensor]:
        """The chroma as in `forward`, and the logits (N, K) of the classes."""
        trunk_NCHW = self._encode(input_N1HW)
        field_ND = self._spread(trunk_NCHW)
        return self._decode(trunk_NCHW, field_ND), self.class_head(field_ND)

    def load_pretrained(self) -> None:
        """The trunk's first weights."""
        if self.pretrained:
            fill(self.trunk, read_tensors(self.pretrained), self.pretrained)

    def _encode(self, input_N1HW: Tensor) -> Tensor:
        """The trunk of the gray photo, as three equal channels."""
        gray_N1HW = input_N1HW + 0.5
        scaled = [gray_N1HW] * 3
        if self.normalize:
            scaled = [(gray_N1HW - m) / d for m, d in zip(vgg16.MEAN, vgg16.STD, strict=True)]
        result: Tensor = self.trunk(torch.cat(scaled, dim=1))
        return result

    def _spread(self, trunk_NCHW: Tensor) -> Tensor:
        """What the dense layers read: (N, 49 * 8 * width) features of the whole photo."""
        field_NC77: Tensor = self.field(self.spread(trunk_NCHW))
        return field_NC77.flatten(1)

    def _decode(self, trunk_NCHW: Tensor, field_ND: Tensor) -> Tensor:
        middle_NCHW = self.middle(trunk_NCHW)
        vector_NC11 = self.vector(field_ND)[:, :, None, None]
        everywhere_NCHW = vector_NC11.expand(-1, -1, *middle_NCHW.shape[2:])
        fused_NCHW = self.fusion(torch.cat((middle_NCHW, everywhere_NCHW), dim=1))
        chroma_N2hw: Tensor = _REACH * torch.tanh(self.decoder(F.relu_(fused_NCHW)))
        return chroma_N2hw if self.stride == 2 else _doubled(chroma_N2hw)


def _checked(pretrained: str, width: int) -> str:
    """`pretrained`, refused before anything is downloaded if it cannot fit."""
    weights = parse(pretrained)
    if weights.architecture != "vgg16":
        raise ParamsError(
            f"network.pretrained is {pretrained!r}; "
            "allowed for chromagan: vgg16, vgg16:<path> and none"
        )
    if weights.path is None and width != _VGG16_WIDTH:
        raise ParamsError(
            f"network.width is {width}; allowed with network.pretrained vgg16: {_VGG16_WIDTH}"
        )
    return pretrained


def _trunk(width: int) -> nn.Sequential:
    """VGG16 up to the ReLU after conv4_3, its layers in the order of the published weights."""
    layers: list[nn.Module] = []
    inputs = 3
    for level, (outputs, count) in enumerate(((1, 2), (2, 2), (4, 3), (8, 3))):
        if level:
            layers.append(nn.MaxPool2d(2))
        for _ in range(count):
            layers += [conv3(inputs, outputs * width), nn.ReLU(inplace=True)]
            inputs = outputs * width
    return nn.Sequential(*layers)


def _normed(inputs: int, outputs: int, step: int) -> nn.Sequential:
    """3 x 3 convolution of stride `step`, ReLU, batch norm: in this order in the released code."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride=step, padding=1)
    return nn.Sequential(convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(outputs))


def _dense(*features: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(before, after) for before, after in pairwise(features)))


def _decoder(width: int, outputs: int) -> nn.Sequential:
    """From the fused features at an eighth of the input's resolution to chroma at half."""
    relu, up = nn.ReLU(inplace=True), nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(
        *(conv3(4 * width, 2 * width), relu, up),
        *(conv3(2 * width, width), relu, conv3(width, width), relu, up),
        *(conv3(width, width // 2), relu, conv3(width // 2, outputs)),
    )


def _doubled(x_NCHW: Tensor) -> Tensor:
    """Each pixel repeated 2 x 2."""
    return F.interpolate(x_NCHW, scale_factor=2, mode="nearest")
