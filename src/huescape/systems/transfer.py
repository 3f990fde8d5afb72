"""The weights of one network in another, as far as the two are the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from huescape import networks
from huescape.base.errors import HuescapeError
from huescape.networks import Network
from huescape.systems.system import System, head_of


def other_head(system: System, description: Mapping[str, Any]) -> frozenset[str]:
    """The names of the head's tensors, where that of the described system means something else.

    That is where its `system.json` says another kind of head, another color space, or, of a head
    of bins, other centers. Empty where the two heads mean the same.
    """
    if _meaning(description) == _meaning(
        {"quantizer": system.quantizer, "centers": system.centers.tolist()}
    ):
        return frozenset()
    named, shapes = system.params.network, []
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        for outputs in (3, 4):  # the head is what depends on their number
            state = networks.build(named.name, named.options, outputs).state_dict()
            shapes.append({name: value.shape for name, value in state.items()})
    return frozenset(name for name, shape in shapes[0].items() if shapes[1][name] != shape)


def _meaning(description: Mapping[str, Any]) -> tuple[Any, ...]:
    quantizer = description.get("quantizer", {})
    head = head_of(quantizer)
    return head, quantizer.get("space"), None if head == "chroma" else description.get("centers")


def take_over(
    network: Network, state: Mapping[str, Tensor], source: object, fresh: Collection[str] = ()
) -> None:
    """Copy the tensors of another system's network, but for `fresh` and a head of another kind.

    Those of the head differ in their first dimension, the outputs, in the same two numbers; any
    other difference of names or shapes raises HuescapeError that names `source`. What is missing
    there of the network's slow part stays as it is.
    """
    own = network.own_state()
    slow = {id(parameter) for parameter in network.slow_part()}
    pretrained = {name for name, x in network.named_parameters() if id(x) in slow}
    outputs = set()
    taken = {}
    for name in sorted(own.keys() | state.keys()):
        here, there = own.get(name), state.get(name)
        if here is not None and there is not None and here.shape == there.shape:
            if name not in fresh:
                taken[name] = there
        elif there is None and name in pretrained:
            continue
        elif here is None or there is None or here.shape[1:] != there.shape[1:]:
            raise _unfit(name, here, there, source)
        else:
            outputs.add((len(here), len(there)))
            if len(outputs) > 1:
                raise _unfit(name, here, there, source)
    network.load_own_state({**own, **taken})


def _unfit(name: str, here: Tensor | None, there: Tensor | None, source: object) -> HuescapeError:
    shapes = ["missing" if x is None else str(list(x.shape)) for x in (there, here)]
    return HuescapeError(
        f"{source}: does not fit: {name} is {shapes[0]} there and {shapes[1]} in the network; "
        "allowed: the same network, with another head at most"
    )
