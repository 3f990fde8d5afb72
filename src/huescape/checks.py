"""What only the networks themselves can say about params.yaml, checked before anything is trained.

A network is built on the `meta` device for that: it takes no memory and no time.
"""

from __future__ import annotations

from math import lcm
from typing import Any

import torch

from huescape import networks
from huescape.errors import HuescapeError, ParamsError
from huescape.networks import pretrained
from huescape.params.load import Params, resolve_system
from huescape.params.losses import ChromaGan
from huescape.params.systems import SystemParams


def check_systems(params: Params, where: str = "params.yaml") -> None:
    """Raise ParamsError for the first system that could not be trained.

    An unknown network or option, a head that the network does not have, targets or crops that do
    not fit it, or pretrained weights that are not there: one line with the file and the key.
    """
    for name, overrides in params.systems.items():
        system = resolve_system(name, overrides, where)
        try:
            network = _on_meta(system)
            _check_fit(network, system, params)
            _check_pretrained(network, system)
        except HuescapeError as error:
            raise ParamsError(f"{where}: systems.{name}.{error}") from error


def _on_meta(system: SystemParams) -> Any:
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return networks.build(system.network.name, system.network.options, 2)


def _check_fit(network: Any, system: SystemParams, params: Params) -> None:
    if system.head not in network.heads:
        raise ParamsError(
            f"loss.name is {system.loss.name!r}, which needs a network with a head of "
            f"{system.head}; network {system.network.name!r} has {', '.join(network.heads)}"
        )
    stride = params.quantizers[system.quantizer].encode.stride
    if stride != network.stride:
        raise ParamsError(
            f"network: {system.network.name!r} predicts every {network.stride}. pixel; "
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


def _check_pretrained(network: Any, system: SystemParams) -> None:
    """Weights that are missing or do not fit would stop the run much later."""
    if getattr(network, "pretrained", None) is not None:
        with torch.device("meta"):
            encoder = pretrained.Encoder(network.pretrained)
        encoder.load()
    if isinstance(system.loss, ChromaGan) and system.loss.class_share:
        pretrained.build_classifier(system.loss.teacher)
