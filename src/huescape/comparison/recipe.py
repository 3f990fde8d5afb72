"""A recipe: a params.yaml, and how many times each of its systems is trained.

`seeds: {colorunet: 3}` stands for `colorunet`, `colorunet_s1` and `colorunet_s2`, with seeds that
follow one another.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huescape.errors import ParamsError
from huescape.params.load import read_yaml

MOST_SEEDS = 100


def read_recipe(path: Path) -> dict[str, Any]:
    """The params.yaml that the recipe `path` stands for; ParamsError names file and key."""
    recipe = read_yaml(path)
    if not isinstance(recipe, dict) or not isinstance(recipe.get("systems"), dict):
        raise ParamsError(f"{path}: systems: is missing; allowed: a section of systems")
    recipe = copy.deepcopy(recipe)  # anchors: what looks alike is one object
    seeds = recipe.pop("seeds", None) or {}
    if not isinstance(seeds, dict):
        raise ParamsError(f"{path}: seeds: allowed: a section with a number for each system")
    systems = recipe["systems"]
    for name, count in seeds.items():
        if name not in systems:
            known = ", ".join(systems)
            raise ParamsError(f"{path}: seeds.{name}: is not a system; allowed: {known}")
        if type(count) is not int or not 1 <= count <= MOST_SEEDS:
            raise ParamsError(f"{path}: seeds.{name} is {count!r}; allowed: 1 to {MOST_SEEDS}")
    recipe["systems"] = _with_seeds(systems, seeds, path)
    return recipe


def narrowed(recipe: dict[str, Any], only: Sequence[str], path: Path) -> dict[str, Any]:
    """The recipe with the systems `only` (their seeds with them) and the quantizers they need."""
    if not only:
        return recipe
    systems = recipe["systems"]
    for name in only:
        if name not in systems:
            raise ParamsError(f"{path}: {name!r} is not a system; allowed: {', '.join(systems)}")
    kept = {
        name: entry
        for name, entry in systems.items()
        if name in only or name.rpartition("_s")[0] in only
    }
    needed = {entry["quantizer"] for entry in kept.values()}
    needed.add(recipe.get("evaluate", {}).get("prior", "lab313"))
    quantizers = {k: v for k, v in recipe["quantizers"].items() if k in needed}
    return {**recipe, "systems": kept, "quantizers": quantizers}


def _with_seeds(systems: dict[str, Any], seeds: dict[str, int], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in systems.items():
        first = entry.get("seed", 0) if isinstance(entry, dict) else 0
        for k in range(seeds.get(name, 1)):
            called = f"{name}_s{k}" if k else name
            if called in found or (k and called in systems):
                raise ParamsError(f"{path}: seeds.{name}: {called!r} is a system already")
            found[called] = {**entry, "seed": first + k} if k else entry
    return found
