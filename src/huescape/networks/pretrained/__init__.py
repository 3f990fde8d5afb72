"""Networks trained on ImageNet, frozen: feature encoders and classifiers of the gray photo.

Shape suffixes: N photos, H rows, W columns, K classes, F features (each stride has its own count).

All take normalized lightness (N, 1, H, W), lightness in [0, 1] minus 0.5, and see it as a gray RGB
photo in the statistics of their own training; a classifier may see it in [0, 1] as it is. A frozen
network runs without gradients, stays in evaluation mode even under `.train()`, and has no trained
parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from huescape.networks.pretrained import efficientnet_lite0 as lite0
from huescape.networks.pretrained import vgg16
from huescape.networks.pretrained.weights import Pretrained, fill, parse, read_tensors

__all__ = ["Encoder", "Pretrained", "build_classifier", "class_count"]

_SIDE = 64


@dataclass(frozen=True)
class _Architecture:
    """How to build a network, the statistics of its photos, and its features at each stride."""

    features: Callable[[], nn.Module]
    classifier: Callable[[], nn.Module]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: dict[int, int]


_ARCHITECTURES = {
    "efficientnet_lite0": _Architecture(
        lite0.Features, lite0.Classifier, lite0.MEAN, lite0.STD, lite0.CHANNELS
    ),
    "vgg16": _Architecture(vgg16.Features, vgg16.Classifier, vgg16.MEAN, vgg16.STD, vgg16.CHANNELS),
}


class _Frozen(nn.Module):
    """A body without trained parameters, always in evaluation mode."""

    def __init__(
        self, body: nn.Module, architecture: _Architecture, normalized: bool = True
    ) -> None:
        super().__init__()
        self.body = body.requires_grad_(False)
        own = list(zip(architecture.mean, architecture.std, strict=True))
        self._shares = own if normalized else [(0.0, 1.0)] * len(own)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever `mode` says: its statistics are ImageNet's."""
        return super().train(False)

    def _as_gray(self, input_N1HW: Tensor) -> Tensor:
        """Normalized lightness to a gray photo (N, 3, H, W), standardized or in [0, 1]."""
        channels = [(input_N1HW + (0.5 - mean)) / std for mean, std in self._shares]
        return torch.cat(channels, dim=1).contiguous(memory_format=torch.channels_last)


class Encoder(_Frozen):
    """Features of the gray photo at several strides, from an ImageNet network.

    `name` is one of `efficientnet_lite0`, `vgg16` or `<architecture>:<path of a state-dict file>`.
    Construction reads no weights and works on the meta device; `load` reads them.

    Attributes:
        channels: number of features at each stride, strides rising.
    Raises:
        ParamsError: an unknown name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        architecture = _ARCHITECTURES[parse(name).architecture]
        super().__init__(architecture.features(), architecture)
        self.channels = dict(architecture.channels)

    def load(self) -> None:
        """Fill in the pretrained weights.

        Raises:
            HuescapeError: weights that are missing, cannot be fetched or read, or do not fit.
        """
        fill(self.body, read_tensors(self._name), self._name)

    @torch.no_grad()
    def forward(self, input_N1HW: Tensor) -> dict[int, Tensor]:
        """(N, 1, H, W) normalized lightness to {stride: (N, F, H / stride, W / stride)}.

        H and W are multiples of the largest stride.
        """
        features: dict[int, Tensor] = self.body(self._as_gray(input_N1HW))
        return features


class _GrayClassifier(_Frozen):
    """ImageNet classes of the gray photo."""

    @torch.no_grad()
    def forward(self, input_N1HW: Tensor) -> Tensor:
        """(N, 1, H, W) normalized lightness to (N, 1000) logits; trained on 224 x 224."""
        logits_NK: Tensor = self.body(self._as_gray(input_N1HW))
        return logits_NK


def build_classifier(name: str, normalized: bool = True) -> nn.Module:
    """An ImageNet classifier of gray photos with its pretrained weights, on the CPU, frozen.

    It maps normalized lightness (N, 1, H, W), any H and W from 32, to logits (N, 1000) of the
    ILSVRC-2012 classes in the order of their sorted WordNet ids; softmax is not applied.

    Args:
        name: `efficientnet_lite0`, `vgg16` or `<architecture>:<path of a state-dict file>`.
        normalized: whether it sees photos in the statistics of its training; else in [0, 1].
    Raises:
        ParamsError: an unknown name.
        HuescapeError: weights that are missing, cannot be fetched or read, or do not fit.
    """
    architecture = _ARCHITECTURES[parse(name).architecture]
    tensors = read_tensors(name)
    # On the meta device first: 138 million random numbers would be drawn only to be overwritten.
    with torch.device("meta"):
        body = architecture.classifier()
    body.to_empty(device="cpu")
    fill(body, tensors, name)
    classifier = _GrayClassifier(body, architecture, normalized)
    classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return classifier


def class_count(classifier: nn.Module) -> int:
    """The number of classes of a classifier of gray photos, told by a gray photo."""
    with torch.no_grad():
        logits_1K: Tensor = classifier(torch.zeros(1, 1, _SIDE, _SIDE))
    return logits_1K.shape[1]
