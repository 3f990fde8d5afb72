"""What the subcommands that are no stages call; imports are late, for a quick `--help`."""

from __future__ import annotations

import json
import math
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.commands import checked_params
from huescape.params.places import MODELS, PAGE, PARAMS, kept_by_tools

if TYPE_CHECKING:
    from huescape.params.load import Params


def compare(options: Namespace) -> None:
    """Train and score every system of a recipe, in a folder of its own."""
    from huescape.comparison import engines, folder, recipe

    path = options.recipe or Path("experiments") / f"{'gpu' if engines.has_gpu() else 'cpu'}.yaml"
    found = recipe.narrowed(recipe.read_recipe(path), options.only, path)
    if options.minutes is not None and not 0 < options.minutes < math.inf:
        raise ParamsError(f"--minutes is {options.minutes:g}; allowed: above 0")
    if options.jobs is not None and options.jobs < 1:
        raise ParamsError(f"--jobs is {options.jobs}; allowed: at least 1")
    if options.photos is not None:
        found["download"] = {"sources": [_source(options.photos)]}
    found = recipe.completed(found, check_recipe(found, str(path), options.output))
    folder.prepare(options.output, found)
    if engines.has_engines() and options.minutes is None:
        code = engines.run_graph(options.output, options.jobs or runtime.cpus())
    else:
        code = engines.run_stages(options.output, found, options.minutes)
    if code:
        raise HuescapeError("not every system is done; the same command goes on with the rest")
    print(f"compare: see {options.output / PAGE}")


def check_recipe(params: dict[str, Any], where: str, folder: Path) -> Params:
    """The checked parameters; ParamsError for a recipe that could not be run in `folder`."""
    from huescape.params.load import validated
    from huescape.systems.checks import check_systems

    checked = validated(params, where, folder)
    check_systems(checked, where)
    return checked


def _source(photos: Path) -> dict[str, Any]:
    """A folder of photos as a source: one that has SUN397's folders, or any other."""
    if not photos.is_dir():
        raise HuescapeError(f"{photos}: no such folder of photos")
    letters = [path for path in photos.iterdir() if path.is_dir() and len(path.name) == 1]
    return {"kind": "sun397" if letters else "folder", "root": str(photos.resolve())}


def export(options: Namespace) -> None:
    """Write a trained system as one file."""
    from huescape.systems.export import export_system

    temperature = options.temperature
    if temperature is None:
        temperature = checked_params().evaluate.temperature
    if not 0 < temperature <= 1:
        raise ParamsError(f"--temperature is {temperature:g}; allowed: above 0, at most 1")
    _refuse_outputs(options.output)
    if os.path.lexists(options.output) and not options.overwrite:
        raise HuescapeError(f"{options.output}: exists; name another file, or add --overwrite")
    export_system(_trained(options.system), options.output, temperature, options.size)


def colorize(options: Namespace) -> None:
    """Color photos of any size with a trained system."""
    params = checked_params()
    name = options.system or next(iter(params.systems), None)
    if name is None:
        raise ParamsError(f"{PARAMS}: systems is empty; name a trained one with --system")
    _refuse_outputs(options.output)
    model = _trained(name)
    from huescape.systems.colorize import colorize_files

    temperature = params.evaluate.temperature
    if options.temperature is not None:
        temperature = options.temperature
    colorize_files(
        model, options.photos, options.output, temperature, options.size, options.overwrite
    )


def sweep(options: Namespace) -> None:
    """Run every point of a sweep file."""
    from huescape.sweeps import run_sweep

    run_sweep(options.file)


def track(options: Namespace) -> None:
    """Send to MLflow what was recorded while its server was down."""
    from huescape import tracking

    print(f"delivered: {tracking.replay()}")
    if folder := tracking.undelivered():
        raise HuescapeError(
            f"{folder}: runs still wait for a server that does not answer; "
            "remove that folder to give them up"
        )


def repair(options: Namespace) -> None:
    """Put back a dvc.lock that a kill cut short; says so, or that nothing is wrong."""
    from huescape.engines import lockfile

    lockfile.tell(lockfile.repair())
    print("dvc.lock is whole" if lockfile.LOCK.exists() else "there is no dvc.lock yet")


def show_schema(options: Namespace) -> None:
    """Print the JSON schema of params.yaml."""
    from huescape.params.load import schema

    print(json.dumps(schema(), indent=1, sort_keys=True))


def _refuse_outputs(path: Path) -> None:
    """A stage removes its outputs before it runs: whatever else lies there is lost."""
    for place in kept_by_tools():
        if path.resolve().is_relative_to(place.resolve()):
            raise HuescapeError(
                f"{path}: lies in {place}, which stages clear away; name another place"
            )


def _trained(name: str) -> Path:
    if (MODELS / name).is_dir():
        return MODELS / name
    trained = sorted(path.name for path in MODELS.glob("*/")) if MODELS.is_dir() else []
    raise HuescapeError(
        f"{MODELS / name}: no such model; trained: {', '.join(trained) or 'none'}; "
        "`dvc repro` or `dvc pull` brings one"
    )
