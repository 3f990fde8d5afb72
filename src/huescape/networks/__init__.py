"""The networks, one a file; `build` makes one by name.

A network maps a normalized lightness (N, 1, H, W), H and W multiples of its `multiple`, to
(N, outputs, H / stride, W / stride). Its module is `networks/<name>.py`, or `network.py` beside
the preset of the same name, and calls its class `Network`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import torch
from pydantic import ConfigDict, ValidationError, create_model
from torch import nn

from huescape.base.errors import ParamsError
from huescape.params.messages import explain, short

_FOLDER = Path(__file__).parent
_PRESETS = _FOLDER.parent / "presets"
# Modules of this folder that hold parts of networks.
_PARTS = frozenset({"__init__", "blocks", "options", "critic", "cost"})


def names() -> list[str]:
    """The networks that there are."""
    own = {path.parent.name for path in _PRESETS.glob("*/network.py")}
    published = {path.stem for path in _FOLDER.glob("*.py")} - _PARTS
    return sorted(own | published)


def is_own(name: str) -> bool:
    """Whether the network lies beside the preset of the same name."""
    return (_PRESETS / name / "network.py").is_file()


def network_class(name: str) -> type[nn.Module]:
    """The class of the network called `name`; ParamsError names the allowed ones."""
    if name not in names():
        raise ParamsError(f"network.name is {short(name)}; allowed: {', '.join(names())}")
    module = f"huescape.presets.{name}.network" if is_own(name) else f"huescape.networks.{name}"
    found = getattr(importlib.import_module(module), "Network", None)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ParamsError(f"network.name is {name!r}: {module} defines no module `Network`")
    return found


def check_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, checked against the hints of the network's constructor, with its defaults.

    Raises ParamsError: `network.<key>: …`, what is wrong and what is allowed.
    """
    kind = network_class(name)
    hints = get_type_hints(kind.__init__, include_extras=True)
    fields: dict[str, Any] = {
        key: (hints.get(key, Any), ... if one.default is one.empty else one.default)
        for key, one in inspect.signature(kind).parameters.items()
        if key != "outputs"
    }
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    model = create_model(name, __config__=config, **fields)
    try:
        return dict(model.model_validate(dict(options)))
    except ValidationError as error:
        schema = model.model_json_schema()
        raise ParamsError(explain(error.errors()[0], options, schema, ("network",))) from error


def build(name: str, options: Mapping[str, Any], outputs: int) -> nn.Module:
    """The network called `name` with `outputs` channels, initialized from torch's generator.

    Its weights are laid out channels-last, which trains 1.5 to 2 times as fast on CPUs and on
    tensor cores. Raises ParamsError for an unknown name, or an option that is not allowed.
    """
    network = network_class(name)(outputs, **check_options(name, options))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def parameter_count(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
