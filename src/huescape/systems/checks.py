"""What only networks and losses can say about params.yaml, before anything is trained.

A network is built on the `meta` device for that: it takes no memory and no time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from math import lcm
from pathlib import Path
from typing import Any

import torch

from huescape.base.errors import HuescapeError, ParamsError
from huescape.losses import LOSSES, Loss, build_loss
from huescape.losses.chromagan import ChromaGanLoss
from huescape.networks import NETWORKS, Network, build, pretrained
from huescape.params.base import Head
from huescape.params.geometry import shown_side, unaugmented_side
from huescape.params.load import Params
from huescape.params.presets import resolve_system
from huescape.params.registry import Registry
from huescape.params.systems import SystemParams
from huescape.systems.transfer import take_over

# Any number that is not the 2 of chroma: the quantizer's own is known only when its bins are made.
_BINS = 313
_HEADS: dict[str, Head] = {"soft": "bins", "hard": "bins", "cell": "bins", "chroma": "chroma"}


def check_systems(params: Params, where: str = "params.yaml") -> None:
    """Raise ParamsError for the first system that could not be trained.

    An unknown network, loss or option, a head that the network does not have, targets or crops that
    do not fit it, weights that are not there or do not fit: one line with the file and the key.
    """
    for name, overrides in params.every_system.items():
        system = resolve_system(name, overrides, where)
        try:
            _check_own(NETWORKS, system.network.name, system)
            _check_own(LOSSES, system.loss.name, system)
            loss = build_loss(system.loss, torch.ones(_BINS), torch.zeros(_BINS, 2))
            _check_loss(loss, system, params)
            network = _on_meta(system, loss.head)
            _check_layers(network, system)
            _check_fit(network, loss, system, params)
            _check_rates(network, system)
            if isinstance(loss, ChromaGanLoss):
                _check_teacher(network, loss, system)
            with _named("network.pretrained"):
                network.load_pretrained()
            _check_start(network, system, params)
        except HuescapeError as error:
            raise ParamsError(f"{where}: {overrides.section}.{name}.{error}") from error


def _on_meta(system: SystemParams, head: Head) -> Network:
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        outputs = 2 if head == "chroma" else _BINS
        return build(system.network.name, system.network.options, outputs)


def _check_own(registry: Registry[Any], name: str, system: SystemParams) -> None:
    """A network or loss of one's own is a dependency of its own preset alone."""
    if name != system.preset and registry.is_own(name):
        kind = registry.key.split(".")[0]
        raise ParamsError(
            f"{registry.key} is {name!r}, whose file lies beside the preset {name!r}; allowed: "
            f"preset: {name}, or a {kind} of the package (a change of that file would go unseen)"
        )


def _check_loss(loss: Loss, system: SystemParams, params: Params) -> None:
    """Logits of bins are compared with bins, chroma with chroma."""
    name, method = system.loss.name, params.quantizers[system.quantizer].encode.method
    if _HEADS[method] != loss.head:
        allowed = " or ".join(key for key, head in _HEADS.items() if head == loss.head)
        raise ParamsError(
            f"loss.name is {name!r}, which needs a quantizer with encode.method {allowed}; "
            f"quantizers.{system.quantizer}.encode.method is {method!r}"
        )
    if system.positions is not None and not loss.scattered:
        raise ParamsError(
            f"positions is {system.positions:g}; allowed with loss.name {name!r}, which compares "
            "neighbors: null"
        )
    if system.positions is not None and loss.reduction == "photo":
        raise ParamsError(
            f"positions is {system.positions:g}; allowed with loss.reduction photo, a sum that "
            "would be as much smaller: null"
        )
    # The critic's penalty differentiates twice, which compiled code cannot.
    if system.compile and isinstance(loss, ChromaGanLoss):
        raise ParamsError(f"compile is true; allowed with loss.name {name!r}: false")


def _check_layers(network: Network, system: SystemParams) -> None:
    """A layer without channels gives no error of its own, only nonsense."""
    for key, parameter in network.named_parameters():
        if not parameter.numel():
            options = ", ".join(f"{k}: {v}" for k, v in system.network.options.items())
            raise ParamsError(
                f"network ({options}): layer {key} has no channels, shape "
                f"{tuple(parameter.shape)}; allowed: options that leave every layer one or more"
            )


def _check_rates(network: Network, system: SystemParams) -> None:
    """A slow part has pretrained weights, which another initialization would take away."""
    if system.initialization.method == "kmeans" and list(network.slow_part()):
        raise ParamsError(
            "initialization.method is 'kmeans', which would replace the pretrained weights that "
            f"network {system.network.name!r} is to train on; allowed: network, system"
        )
    if system.optimizer.slow != 1 and not list(network.slow_part()):
        raise ParamsError(
            f"optimizer.slow is {system.optimizer.slow:g}; allowed for network "
            f"{system.network.name!r} with these options, which has no slow part: 1"
        )


def _check_fit(network: Network, loss: Loss, system: SystemParams, params: Params) -> None:
    head = loss.head
    if head not in network.heads:
        raise ParamsError(
            f"loss.name is {system.loss.name!r}, which needs a network with a head of "
            f"{head}; network {system.network.name!r} has {', '.join(network.heads)}"
        )
    if loss.beside != network.beside:
        raise ParamsError(
            f"loss.name is {system.loss.name!r}, which compares {loss.beside or 'nothing'} beside "
            f"the bins; network {system.network.name!r} gives {network.beside or 'nothing'} beside "
            "them in training"
        )
    space = params.quantizers[system.quantizer].space
    if network.space not in (None, space):
        raise ParamsError(
            f"network: {system.network.name!r} takes the lightness of {network.space}; "
            f"quantizers.{system.quantizer}.space is {space!r}, allowed for it: {network.space}"
        )
    stride = params.quantizers[system.quantizer].encode.stride
    if stride != network.stride:
        raise ParamsError(
            f"network: {system.network.name!r} has stride {network.stride}; "
            f"quantizers.{system.quantizer}.encode.stride is {stride}, "
            f"allowed for it: {network.stride}"
        )
    _check_sides(system, params.resize.size, lcm(network.multiple, stride))


def _check_sides(system: SystemParams, size: int, multiple: int) -> None:
    """What training shows of a photo, and what validation does."""
    crop, fit, side = system.augmentation.crop, system.geometry.fit, system.geometry.side
    named = "geometry.side" if side else "resize.size"
    key = "augmentation.crop" if crop else f"augmentation.crop is null and {named}"
    shown = shown_side(system.augmentation, system.geometry, size)
    whole = unaugmented_side(fit, side, shown, size)
    for where, seen in ((key, shown), (f"geometry.fit is {fit} and {named}", whole)):
        if seen % multiple:
            raise ParamsError(
                f"{where} is {seen}; "
                f"allowed for network {system.network.name!r}: a multiple of {multiple}"
            )


def _check_start(network: Network, system: SystemParams, params: Params) -> None:
    """Weights of another system, or released ones, must be those of such a network."""
    start = system.initialization
    if start.start is not None:
        other = resolve_system(start.start, params.systems[start.start])
        head = LOSSES.find(other.loss.name).head
        with _named("initialization.from"):
            take_over(network, _on_meta(other, head).own_state(), f"system {start.start!r}")
    if start.file is not None:
        with _named("initialization.file"):
            network.load_released(Path(start.file))


def _check_teacher(network: Network, loss: ChromaGanLoss, system: SystemParams) -> None:
    """ChromaGAN learns the classes of a teacher, so it needs a network with as many."""
    if network.classes is None:
        raise ParamsError(
            "loss.name is 'chromagan', which needs a network with classes, as 'chromagan' has; "
            f"network.name is {system.network.name!r}"
        )
    if not loss.class_share:
        return
    with _named("loss.teacher"):
        teacher = pretrained.build_classifier(loss.teacher)
        taught = pretrained.class_count(teacher)
    if taught != network.classes:
        raise ParamsError(
            f"network.classes is {network.classes}; "
            f"allowed with loss.teacher {loss.teacher!r}: {taught}"
        )


@contextlib.contextmanager
def _named(key: str) -> Iterator[None]:
    """Put the key before what is wrong with it."""
    try:
        yield
    except HuescapeError as error:
        raise ParamsError(f"{key}: {error}") from error
