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
from huescape.sources.kinds import KINDS


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
    for overrides in ("SystemOverrides", "FinetunedOverrides"):
        entry = found["$defs"][overrides]["properties"]
        for section in ("initialization", "optimizer", "augmentation", "geometry", "photos"):
            entry[section] = system["properties"][section]
        entry["network"], entry["loss"] = _any_of(NETWORKS), _any_of(LOSSES)
    found["$defs"] |= {name: found["$defs"].get(name, at) for name, at in system["$defs"].items()}
    found["$defs"]["DownloadParams"]["properties"]["sources"]["items"] = _any_of(KINDS, ("kind",))
    for named in ("Named", "SourceParams"):
        del found["$defs"][named]
    return found


def _any_of(registry: Registry[Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    published = (name for name in registry.names() if not registry.is_own(name))
    return {"anyOf": [_one(registry, name, required) for name in published]}


def _one(registry: Registry[Any], name: str, required: tuple[str, ...]) -> dict[str, Any]:
    described = registry.model(name).model_json_schema()
    described["required"] = [*required, *described.get("required", ())] if required else []
    described["description"] = " ".join(described["description"].split("\n\n")[0].split())
    named = {registry.key.split(".")[-1]: {"const": name}}
    described["properties"] = named | described["properties"]
    return described
