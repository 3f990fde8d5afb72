"""A recipe: a params.yaml, and how many times each of its systems is trained.

`seeds: {colorunet: 3}` stands for `colorunet`, `colorunet_s1` and `colorunet_s2`, with seeds that
follow one another. A system of `finetuned:` is one too: its seed k starts from the k-th seed of the
system that its `initialization.from` names (`zhang2016`, `zhang2016_s1`, ...) where that one has at
least as many seeds, and else, all of them, from the one it names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huescape.base.errors import HuescapeError, ParamsError
from huescape.params.download import PATHS
from huescape.params.load import Params, validated
from huescape.params.yaml_files import read_yaml
from huescape.sources.kinds import sources_of
from huescape.sources.kinds.imagenet import imagenet_base

MOST_SEEDS = 100
_SEEDED = re.compile(r"_s[0-9]+$")


def read_recipe(path: Path) -> dict[str, Any]:
    """The params.yaml that the recipe `path` stands for; ParamsError names file and key."""
    recipe = read_yaml(path)
    if not isinstance(recipe, dict) or not isinstance(recipe.get("systems"), dict):
        raise ParamsError(f"{path}: systems: is missing; allowed: a section of systems")
    seeds = recipe.pop("seeds", None) or {}
    if not isinstance(seeds, dict):
        raise ParamsError(f"{path}: seeds: allowed: a section with a number for each system")
    systems, finetuned = recipe["systems"], recipe.get("finetuned")
    every = systems | (finetuned if isinstance(finetuned, dict) else {})
    for name, count in seeds.items():
        if name not in every:
            known = ", ".join(every)
            raise ParamsError(f"{path}: seeds.{name}: is not a system; allowed: {known}")
        if type(count) is not int or not 1 <= count <= MOST_SEEDS:
            raise ParamsError(f"{path}: seeds.{name} is {count!r}; allowed: 1 to {MOST_SEEDS}")
    recipe = {**recipe, "systems": _with_seeds("systems", systems, seeds, every, path)}
    if isinstance(finetuned, dict):
        recipe["finetuned"] = _with_seeds("finetuned", finetuned, seeds, every, path)
    return recipe


def checked(
    recipe: dict[str, Any], only: Sequence[str], path: Path, project: Path
) -> dict[str, Any]:
    """The params.yaml of `recipe`, read from `path`, for the folder `project`: all of it is valid.

    See `completed`. Raises ParamsError for what the stage check would refuse.
    """
    from huescape.systems.checks import check_systems  # loads torch

    full = completed(recipe, validated(recipe, str(path), project), only, path)
    check_systems(validated(full, str(path), project), str(path))
    return full


def completed(
    recipe: dict[str, Any], params: Params, only: Sequence[str], path: Path
) -> dict[str, Any]:
    """The recipe with every key that its `params` have by default: DVC refuses what is not there.

    `only` are the systems to keep, or patterns as a shell has them (`zhang2016*`), their seeds with
    them, what they start from, and the quantizers they need; without it, all. Systems stay as they
    are, presets with overrides. Paths of sources are made absolute, because a comparison runs in
    another folder. Raises ParamsError for an unknown system, and for wrong options of a source.
    """
    sources_of(params.download, str(path))
    full = params.model_dump(mode="json", by_alias=True, exclude={"systems", "finetuned"})
    unseen = [entry["source"] for entry in full["unseen"].values()]
    for source in (*full["download"]["sources"], *unseen):
        for key in PATHS:
            if source.get(key) is not None:
                source[key] = str(Path(source[key]).expanduser().resolve())
    systems, finetuned = recipe["systems"], recipe.get("finetuned") or {}
    for name in only:
        if not any(_is_one_of(system, [name]) for system in params.every_system):
            known = ", ".join(params.every_system)
            raise ParamsError(f"{path}: {name!r} is not a system; allowed: {known}")
    if only:
        finetuned = {name: entry for name, entry in finetuned.items() if _is_kept(name, only)}
        starts = {entry["initialization"]["from"] for entry in finetuned.values()}
        systems = {
            name: entry for name, entry in systems.items() if name in starts or _is_kept(name, only)
        }
        kept = (params.every_system[name].quantizer for name in (*systems, *finetuned))
        needed = {params.evaluate.prior, *kept}
        listed = full["quantizers"].items()
        full["quantizers"] = {name: entry for name, entry in listed if name in needed}
        left = {**systems, **finetuned}
        for section in ("probed", "perceived"):
            full[section] = {name: entry for name, entry in full[section].items() if name in left}
        scored = full["generalized"].items()
        full["generalized"] = {name: entry for name, entry in scored if entry["system"] in left}
    return {**full, "systems": systems, "finetuned": finetuned}


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_kept(name: str, only: Sequence[str]) -> bool:
    return _is_one_of(name, only) or _is_one_of(_SEEDED.sub("", name), only)


def photo_sources(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Folders of photos as sources, each with a name of its own.

    What holds SUN397's folders or ImageNet's classes is one of those, all else a `folder`. Raises
    HuescapeError for one that is not there.
    """
    found: list[dict[str, Any]] = []
    for photos in folders:
        kind = _kind(photos)
        same = sum(source["kind"] == kind for source in found)
        name = f"{kind}-{same + 1}" if same else kind
        found.append({"kind": kind, "name": name, "root": str(photos.resolve())})
    return found


def as_text(recipe: dict[str, Any]) -> str:
    """The recipe as a params.yaml, without anchors: DVC and a reader see each section whole."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.representer.ignore_aliases = lambda *_: True
    text = io.StringIO()
    yaml.dump(recipe, text)
    return text.getvalue()


def _kind(photos: Path) -> str:
    if not photos.is_dir():
        raise HuescapeError(f"{photos}: no such folder of photos")
    if any(path.is_dir() and len(path.name) == 1 for path in photos.iterdir()):
        return "sun397"
    return "imagenet" if imagenet_base(photos) else "folder"


def _with_seeds(
    section: str, entries: dict[str, Any], seeds: dict[str, int], every: Iterable[str], path: Path
) -> dict[str, Any]:
    """The entries of a section with their seeds; `every` are the names that are taken."""
    found: dict[str, Any] = {}
    for name, entry in entries.items():
        found[name] = entry
        if seeds.get(name, 1) == 1:
            continue
        first = entry.get("seed", 0) if isinstance(entry, dict) else None
        if type(first) is not int:
            raise ParamsError(f"{path}: {section}.{name}: allowed: a section with a whole `seed`")
        for k in range(1, seeds[name]):
            called = f"{name}_s{k}"
            if called in every:
                raise ParamsError(f"{path}: seeds.{name}: {called!r} is a system already")
            found[called] = {**entry, "seed": first + k} | _start(entry, k, seeds, seeds[name])
    return found


def _start(entry: dict[str, Any], k: int, seeds: dict[str, int], count: int) -> dict[str, Any]:
    """What seed `k` of `count` starts from, where that is not what the entry names."""
    options = entry.get("initialization")
    if not isinstance(options, dict):
        return {}
    start = options.get("from")
    if not isinstance(start, str) or seeds.get(start, 1) < count:
        return {}
    return {"initialization": {**options, "from": f"{start}_s{k}"}}
