"""Tool schema: print the JSON schema of params.yaml."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from huescape.losses import LOSSES
from huescape.networks import NETWORKS
from huescape.params.load import schema
from huescape.params.registry import Registry
from huescape.params.systems import SystemParams


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> None:
    """Print the JSON schema of params.yaml."""
    print(json.dumps(whole_schema(), indent=1, sort_keys=True))


def whole_schema() -> dict[str, Any]:
    """Every key of params.yaml, the options of each network and loss included.

    A system's section holds what it changes of its preset: none of its keys is required.
    """
    found, system = schema(), SystemParams.model_json_schema()
    entry = found["$defs"]["SystemOverrides"]["properties"]
    for section in ("initialization", "optimizer", "augmentation"):
        entry[section] = system["properties"][section]
    found["$defs"] |= {name: found["$defs"].get(name, at) for name, at in system["$defs"].items()}
    entry["network"], entry["loss"] = _any_of(NETWORKS), _any_of(LOSSES)
    del found["$defs"]["Named"]
    return found


def _any_of(registry: Registry[Any]) -> dict[str, Any]:
    published = (name for name in registry.names() if not registry.is_own(name))
    return {"anyOf": [_one(registry, name) for name in published]}


def _one(registry: Registry[Any], name: str) -> dict[str, Any]:
    described = registry.model(name).model_json_schema()
    described.pop("required", None)
    described["description"] = " ".join(described["description"].split("\n\n")[0].split())
    described["properties"] = {"name": {"const": name}, **described["properties"]}
    return described
