"""What only the networks themselves can say about params.yaml, checked before anything is trained.

A network is built on the `meta` device for that: it takes no memory and no time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from math import lcm

import torch

from huescape.base.errors import HuescapeError, ParamsError
from huescape.networks import NETWORKS, Network, build, pretrained
from huescape.params.load import Params
from huescape.params.losses import ChromaGan
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemParams

# Any number that is not the 2 of chroma: the quantizer's own is known only when its bins are made.
_BINS = 313
_TEACHER_SIDE = 64


def check_systems(params: Params, where: str = "params.yaml") -> None:
    """Raise ParamsError for the first system that could not be trained.

    An unknown network or option, a head that the network does not have, targets or crops that do
    not fit it, or pretrained weights that are not there: one line with the file and the key.
    """
    for name, overrides in params.systems.items():
        system = resolve_system(name, overrides, where)
        try:
            if system.initialization.method == "kmeans" and system.head == "chroma":
                raise ParamsError(
                    "initialization.method is 'kmeans', which scales the head to colors of 110 "
                    f"units; allowed with loss.name {system.loss.name!r}: network"
                )
            _check_own(system)
            network = _on_meta(system)
            _check_layers(network, system)
            _check_fit(network, system, params)
            _check_teacher(network, system)
            _check_pretrained(network)
        except HuescapeError as error:
            raise ParamsError(f"{where}: systems.{name}.{error}") from error


def _on_meta(system: SystemParams) -> Network:
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        outputs = 2 if system.head == "chroma" else _BINS
        return build(system.network.name, system.network.options, outputs)


def _check_own(system: SystemParams) -> None:
    """A network of one's own is a dependency of its own preset alone."""
    name = system.network.name
    if name != system.preset and NETWORKS.is_own(name):
        raise ParamsError(
            f"network.name is {name!r}, whose file lies beside the preset {name!r}; allowed: "
            f"preset: {name}, or a network of the package (a change of that file would go unseen)"
        )


def _check_layers(network: Network, system: SystemParams) -> None:
    """A layer without channels gives no error of its own, only nonsense."""
    for key, parameter in network.named_parameters():
        if not parameter.numel():
            options = ", ".join(f"{k}: {v}" for k, v in system.network.options.items())
            raise ParamsError(
                f"network ({options}): layer {key} has no channels, shape "
                f"{tuple(parameter.shape)}; allowed: options that leave every layer one or more"
            )


def _check_fit(network: Network, system: SystemParams, params: Params) -> None:
    if system.head not in network.heads:
        raise ParamsError(
            f"loss.name is {system.loss.name!r}, which needs a network with a head of "
            f"{system.head}; network {system.network.name!r} has {', '.join(network.heads)}"
        )
    stride = params.quantizers[system.quantizer].encode.stride
    if stride != network.stride:
        raise ParamsError(
            f"network: {system.network.name!r} has stride {network.stride}; "
            f"quantizers.{system.quantizer}.encode.stride is {stride}, "
            f"allowed for it: {network.stride}"
        )
    multiple = lcm(network.multiple, stride)
    crop = system.augmentation.crop
    if (crop or params.resize.size) % multiple:
        key = "augmentation.crop" if crop else "augmentation.crop is null and resize.size"
        raise ParamsError(
            f"{key} is {crop or params.resize.size}; "
            f"allowed for network {system.network.name!r}: a multiple of {multiple}"
        )


def _check_pretrained(network: Network) -> None:
    """Weights that are missing or do not fit would stop the run much later."""
    with _named("network.pretrained"):
        network.load_pretrained()


def _check_teacher(network: Network, system: SystemParams) -> None:
    """ChromaGAN learns the classes of a teacher, so it needs a network with as many."""
    if not isinstance(system.loss, ChromaGan):
        return
    if network.classes is None:
        raise ParamsError(
            "loss.name is 'chromagan', which needs a network with classes, as 'chromagan' has; "
            f"network.name is {system.network.name!r}"
        )
    if not system.loss.class_share:
        return
    with _named("loss.teacher"):
        teacher = pretrained.build_classifier(system.loss.teacher)
    with torch.no_grad():
        classes = teacher(torch.zeros(1, 1, _TEACHER_SIDE, _TEACHER_SIDE)).shape[1]
    if classes != network.classes:
        raise ParamsError(
            f"network.classes is {network.classes}; "
            f"allowed with loss.teacher {system.loss.teacher!r}: {classes}"
        )


@contextlib.contextmanager
def _named(key: str) -> Iterator[None]:
    """Put the key before what is wrong with it."""
    try:
        yield
    except HuescapeError as error:
        raise ParamsError(f"{key}: {error}") from error
