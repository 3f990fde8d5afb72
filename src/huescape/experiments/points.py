"""The points of a sweep as whole parameter files, each checked before the first one runs."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.experiments.sweep_file import Point, SweepParams, describe
from huescape.params.load import Params, load_params
from huescape.params.presets import resolve_system
from huescape.sources.kinds import sources_of
from huescape.sources.source import Source
from huescape.systems.checks import check_systems

# What no score depends on.
_OPTED = (
    *("probed", "probed_released", "perceived", "perceived_released", "neighbors"),
    *("unseen", "generalized", "generalized_released"),
)
ENTRIES = ("quantizers", "systems", "finetuned")  # sections whose names are the user's own


@dataclass(frozen=True)
class ResolvedPoint:
    """A point of a sweep: what varies, the text of its params.yaml, and a digest of its meaning.

    `systems` are those that the point trains and scores, `targets` the stages that do.
    """

    number: int
    point: Point
    text: str
    systems: tuple[str, ...]
    targets: tuple[str, ...]
    digest: str

    def __str__(self) -> str:
        return describe(self.point)


def resolve_points(
    sweep: SweepParams, sweep_file: Path, params_file: Path
) -> tuple[ResolvedPoint, ...]:
    """Every point of the sweep, applied to params.yaml and validated as a whole.

    Raises ParamsError in one line that names the sweep's file, the dotted key and what is allowed.
    """
    listed = load_params(params_file).every_system
    for name in sweep.systems:
        if name not in listed:
            allowed = ", ".join(sorted(listed)) or "none"
            raise ParamsError(f"{sweep_file}: systems: {name!r} is not there; allowed: {allowed}")
    text = params_file.read_text(encoding="utf-8")
    resolved, checked = [], set[str]()
    with tempfile.TemporaryDirectory() as folder:
        for number, point in enumerate(sweep.expand(), start=1):
            where = f"{sweep_file}: point {number}"
            varied = _varied(text, point, where)
            params = _validated(varied, Path(folder) / "params.yaml", where)
            sources = list(sources_of(params.download, where).values())
            _check_networks(params, where, checked)
            scored = {name: f"{entry.scores}@{name}" for name, entry in params.every_system.items()}
            systems = sweep.systems or tuple(sorted(scored))
            targets = tuple(scored[name] for name in sweep.systems) or ("report",)
            digest = _digest(params, sources, systems)
            resolved.append(ResolvedPoint(number, point, varied, systems, targets, digest))
    _refuse_equal(resolved, sweep_file)
    return tuple(resolved)


def _varied(text: str, point: Point, where: str) -> str:
    """The text of params.yaml with the values of a point; its comments stay."""
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    for key, value in point.items():
        _place(document, key, value, where)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _place(document: Any, dotted: str, value: Any, where: str) -> None:
    """Set a dotted key. Sections that are not written out are made; entries and items are not."""
    *above, last = keys = dotted.split(".")
    if keys[0] in ENTRIES:
        _refuse_unlisted(document, keys, where)
    at = document
    for depth, key in enumerate(above):
        if isinstance(at, dict) and at.get(key) is None:
            at[key] = {}
        at = at[_index(at, keys[:depth], key, where)]
    at[_index(at, above, last, where)] = copy.deepcopy(value)


def _index(at: Any, above: Sequence[str], key: str, where: str) -> str | int:
    """`key` as the section, or the list, at the keys `above` takes it."""
    if isinstance(at, dict):
        return key
    path = ".".join(above)
    if not isinstance(at, list):
        raise ParamsError(f"{where}: {path}.{key}: no such key; {path} is a value, not a section")
    if not (key.isdigit() and int(key) < len(at)):
        allowed = f"0 to {len(at) - 1}" if at else "none, the list is empty"
        raise ParamsError(f"{where}: {path}.{key}: no such item; allowed: {allowed}")
    return int(key)


def _refuse_unlisted(document: Any, keys: Sequence[str], where: str) -> None:
    section = document.get(keys[0]) or {}
    if len(keys) < 2 or keys[1] not in section:
        dotted = ".".join(keys)
        allowed = ", ".join(f"{keys[0]}.{name}" for name in sorted(section)) or "none"
        raise ParamsError(f"{where}: {dotted}: no such entry in params.yaml; allowed: {allowed}")


def _validated(text: str, path: Path, where: str) -> Params:
    """The parameters of a point; an error names the sweep's file in place of the temporary one."""
    path.write_text(text, encoding="utf-8")
    try:
        return load_params(path)
    except ParamsError as error:
        raise ParamsError(where + str(error).removeprefix(str(path))) from error


def _check_networks(params: Params, where: str, checked: set[str]) -> None:
    """Networks and pretrained weights, once for all points that share the systems."""
    parts = params.model_dump_json(include={*ENTRIES, "resize"})
    if parts not in checked:
        check_systems(params, where)
        checked.add(parts)


def _digest(params: Params, sources: Sequence[Source], systems: Sequence[str]) -> str:
    """What the results depend on: defaults and presets written out, other systems left out."""
    apart = {"download", "systems", "finetuned", *_OPTED}
    meaning = params.model_dump(mode="json", exclude=apart)
    kinds = [named.kind for named in params.download.sources]
    options = [source.model_dump(mode="json") for source in sources]
    meaning["sources"] = list(zip(kinds, options, strict=True))
    known = {name: resolve_system(name, entry) for name, entry in params.every_system.items()}
    starts = {known[name].initialization.start for name in systems} - {None}
    meaning["systems"] = {
        name: known[name].model_dump(mode="json") for name in known if name in starts | {*systems}
    }
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _refuse_equal(resolved: Sequence[ResolvedPoint], sweep_file: Path) -> None:
    seen: dict[str, ResolvedPoint] = {}
    for point in resolved:
        if before := seen.get(point.digest):
            raise ParamsError(
                f"{sweep_file}: points {before.number} ({before}) and {point.number} ({point}) "
                "mean the same; allowed: points that differ for the systems of the sweep"
            )
        seen[point.digest] = point
