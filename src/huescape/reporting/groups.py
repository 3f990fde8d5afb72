"""Systems that differ in their seed alone, taken together; what they were made with, key by key.

Systems that start from seeds of one other system differ in their seed alone, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huescape.params.quantizers import QuantizerParams
from huescape.reporting.inputs import Json, SystemResult

Settings = dict[str, Any]

# Labels, and what cannot change a score: a preset is spelled out in the other keys, and the
# quantizer's name is replaced by its parameters.
_LABELS = ("checkpoint_every", "preset", "quantizer", "seed")
_SEED_ENDING = re.compile(r"[-_](?:seed|s)?[-_]?\d+$")


@dataclass(frozen=True)
class Group:
    """One system trained once or with several seeds.

    `members` has one result a seed, by rising seed. `settings` holds every parameter by dotted key
    (`loss.weighted`, `quantizer.prior.sigma`, …); groups on other test photos have another
    `photos` key and are never compared. `twins` are further results with the parameters and the
    seed of a member: they say nothing new, and are named but not counted.
    """

    name: str
    members: tuple[SystemResult, ...]
    settings: Settings
    photos: str
    twins: tuple[str, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, rising."""
        return tuple(seed_of(member) for member in self.members)

    def scores(self) -> dict[int, Json]:
        """The headline scores by seed."""
        return {seed_of(member): member.scores for member in self.members}

    def scores_of(self, prediction: str) -> dict[int, Json]:
        """The scores by a decoding, or of a baseline, by seed; those without it are left out."""
        found = (
            (seed_of(m), (m.scores["decodes"] | m.scores["baselines"]).get(prediction))
            for m in self.members
        )
        return {seed: scores for seed, scores in found if isinstance(scores, dict)}


def grouped(
    results: Sequence[SystemResult], quantizers: Mapping[str, QuantizerParams]
) -> list[Group]:
    """The groups in the order of their first system; `quantizers` are those of params.yaml."""
    found: dict[str, dict[int, SystemResult]] = {}
    twins: dict[str, list[str]] = {}
    starts = _starts(results)
    for result in results:
        key = _identity(result, starts)
        known = found.get(key, {}).get(seed_of(result))
        if known is not None and _identity(known, {}) != _identity(result, {}):
            key = _identity(result, {})  # from another seed of the start: no twin
        if found.setdefault(key, {}).setdefault(seed_of(result), result) is not result:
            twins.setdefault(key, []).append(result.name)
    sets = [tuple(by_seed[seed] for seed in sorted(by_seed)) for by_seed in found.values()]
    doubles = [tuple(twins.get(key, ())) for key in found]
    return [
        Group(name, members, _settings(members[0], quantizers, starts), _photos(members[0]), same)
        for name, members, same in zip(_names(sets), sets, doubles, strict=True)
    ]


def distinct(groups: Sequence[Group]) -> list[Group]:
    """Without groups that repeat another one under another name; the one with more seeds stays.

    Two presets can come to the same parameters; their results are equal, and count once.
    """
    kept: list[Group] = []
    for group in sorted(groups, key=lambda g: -len(g.members)):
        if all(g.photos != group.photos or g.settings != group.settings for g in kept):
            kept.append(group)
    return [group for group in groups if group in kept]


def flattened(value: Mapping[str, Any], prefix: str = "") -> Settings:
    """Nested sections as dotted keys; the options of a network or loss stand with its name."""
    found: Settings = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            found |= flattened(item, prefix if key == "options" else f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = item
    return found


def differing(first: Settings, second: Settings) -> list[str]:
    """The keys in which two systems differ; a key that is missing differs from every value."""
    missing = object()
    keys = sorted(first.keys() | second.keys())
    return [key for key in keys if first.get(key, missing) != second.get(key, missing)]


def seed_of(result: SystemResult) -> int:
    """The seed of a system."""
    return int(result.model["params"]["seed"])


def _settings(
    result: SystemResult, quantizers: Mapping[str, QuantizerParams], starts: Mapping[str, str]
) -> Settings:
    """Every parameter of a system by dotted key, those of its quantizer under `quantizer.`."""
    params = _params(result, starts)
    plain = {key: value for key, value in params.items() if key not in _LABELS}
    settings = flattened(plain)
    name = params["quantizer"]
    if name in quantizers:
        settings |= flattened(quantizers[name].model_dump(mode="json", by_alias=True), "quantizer.")
    else:
        settings["quantizer.name"] = name
    if "pretrained" in result.model:  # what the network really had, whatever was asked for
        settings["network.pretrained"] = result.model["pretrained"] or "none"
    return settings


def _starts(results: Sequence[SystemResult]) -> dict[str, str]:
    """By system, the first one that differs from it in the seed alone: what a start stands for."""
    first: dict[str, str] = {}
    return {r.name: first.setdefault(_identity(r, {}), r.name) for r in results}


def _params(result: SystemResult, starts: Mapping[str, str]) -> Settings:
    """The parameters, with the start by the name that all seeds of it have in common."""
    params: Settings = result.model["params"]
    options = params.get("initialization", {})
    start = options.get("from")
    if start not in starts:
        return params
    return params | {"initialization": options | {"from": starts[start]}}


def _identity(result: SystemResult, starts: Mapping[str, str]) -> str:
    params = {k: v for k, v in _params(result, starts).items() if k != "seed"}
    pretrained = result.model.get("pretrained", "")
    parts = [params, pretrained, result.is_shipped, _photos(result)]
    return json.dumps(parts, sort_keys=True, default=str)


def _photos(result: SystemResult) -> str:
    """Equal for systems scored on the same pixels: the baselines depend on those alone."""
    scores, photos = result.scores, result.photos.ids_N.tolist()
    return json.dumps([scores["decode"], scores["baselines"], photos], sort_keys=True)


def _names(sets: Iterable[tuple[SystemResult, ...]]) -> list[str]:
    """A name for each group: its systems' name without the seed, where that is unmistakable."""
    firsts, short = [], []
    for members in sets:
        bare = {_SEED_ENDING.sub("", member.name) for member in members}
        firsts.append(members[0].name)
        short.append(bare.pop() if len(members) > 1 and len(bare) == 1 else members[0].name)
    taken = {name for name in short if short.count(name) > 1}
    return [first if name in taken else name for first, name in zip(firsts, short, strict=True)]
