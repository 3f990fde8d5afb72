"""The blocks of a network, found by looking at it while it runs, and their features, pooled.

Shape suffixes: N photos, C channels, H rows and W columns of a map, F features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape.networks import Network

# What a Sequential changes its resolution by: one block ends before it.
_STEPS = (nn.MaxPool2d, nn.AvgPool2d, nn.Upsample)


def block_names(network: Network) -> tuple[str, ...]:
    """The blocks by the names of their modules, in the order in which they run.

    A block is a module with weights that is a direct part of the network and gives one tensor. A
    part that gives anything else, or is never called as one, stands for its own parts; a
    Sequential is cut where it pools or repeats pixels. What runs last gives the output, and is none
    of them.
    """
    order = _called(network)
    found = {name for name in _parts(network, "", order) if name in order}
    return tuple(sorted(found, key=order.__getitem__)[:-1])


@contextmanager
def watched(
    network: Network, names: tuple[str, ...], features: int
) -> Iterator[Mapping[str, Tensor]]:
    """Yield {name: features (N, F)} of the last call of the network, in float32 on the CPU."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        after = _following(network, name)

        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            # A copy: activations may work in place.
            map_NCHW = nn.Sequential(*after)(output.clone()) if after else output
            found[name] = pooled(map_NCHW, features).cpu()

        return hook

    handles = [network.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def pooled(map_NCHW: Tensor, features: int) -> Tensor:
    """A map averaged over a grid of s x s places of nearly equal size, (N, C s^2) float32.

    s is the largest whose C s^2 is at most `features`, but at least 1: the same for photos of any
    shape. A map of fewer places has its own repeated; a vector (N, C) is left as it is.
    """
    if map_NCHW.ndim == 2:
        return map_NCHW.float()
    side = max(1, math.isqrt(features // map_NCHW.shape[1]))
    return F.adaptive_avg_pool2d(map_NCHW.float(), side).flatten(1)


def _called(network: Network) -> dict[str, int]:
    """{name: rank} of the modules that give one tensor, by when they first end."""
    order: dict[str, int] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim in (2, 4):
                order.setdefault(name, len(order))

        return hook

    modules = [(name, module) for name, module in network.named_modules() if name]
    handles = [module.register_forward_hook(keep(name)) for name, module in modules]
    device, side = next(network.parameters()).device, 8 * network.multiple
    was_training = network.training
    try:
        network.eval()
        with torch.inference_mode():
            network(torch.zeros(1, 1, side, side, device=device))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return order


def _parts(module: nn.Module, prefix: str, order: Mapping[str, int]) -> Iterator[str]:
    for key, child in module.named_children():
        name = f"{prefix}{key}"
        if next(child.parameters(), None) is None:
            continue
        if isinstance(child, nn.Sequential) and _is_cut(child):
            yield from _cut(child, name)
        elif name in order:
            yield name
        else:
            yield from _parts(child, f"{name}.", order)


def _cut(chain: nn.Sequential, name: str) -> Iterator[str]:
    """The last layer with weights before each step of the resolution, and before the end."""
    last = ""
    for key, layer in chain._modules.items():  # `named_children` tells a layer once
        if isinstance(layer, _STEPS) and last:
            yield f"{name}.{last}"
            last = ""
        elif layer is not None and next(layer.parameters(), None) is not None:
            last = key
    if last:
        yield f"{name}.{last}"


def _following(network: Network, name: str) -> list[nn.Module]:
    """What has no weights between a layer of a cut Sequential and its next step: activations.

    They are applied to the layer's output, and not watched: one ReLU may stand in many places.
    """
    parent, _, key = name.rpartition(".")
    chain = network.get_submodule(parent)
    if not (isinstance(chain, nn.Sequential) and _is_cut(chain)):
        return []
    keys = list(chain._modules)
    found = []
    for layer in list(chain._modules.values())[keys.index(key) + 1 :]:
        if layer is None or isinstance(layer, _STEPS) or next(layer.parameters(), None) is not None:
            break
        found.append(layer)
    return found


def _is_cut(chain: nn.Sequential) -> bool:
    return any(isinstance(layer, _STEPS) for layer in chain)
