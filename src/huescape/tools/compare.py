"""Tool compare: train and score all systems of a recipe."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.comparison import engines, folder, recipe
from huescape.params.load import Params, validated
from huescape.params.places import PAGE


def add_arguments(parser: ArgumentParser) -> None:
    """Which systems, on which photos, for how long."""
    parser.add_argument(
        "recipe", type=Path, nargs="?", help="default: experiments/gpu.yaml or cpu.yaml, by device"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("comparison"), metavar="FOLDER")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="instead of its sources")
    parser.add_argument("--only", nargs="+", default=[], metavar="SYSTEM", help="these systems")
    parser.add_argument("--jobs", type=int, help="stages at a time (default: every processor)")
    parser.add_argument(
        "--minutes",
        type=float,
        help="without an engine: share this time among the systems, and set their steps by it",
    )


def main(options: Namespace) -> None:
    """Train and score every system of a recipe, in a folder of its own."""
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
    from huescape.systems.checks import check_systems  # loads torch: after what is wrong

    checked = validated(params, where, folder)
    check_systems(checked, where)
    return checked


def _source(photos: Path) -> dict[str, Any]:
    """A folder of photos as a source: one that has SUN397's folders, or any other."""
    if not photos.is_dir():
        raise HuescapeError(f"{photos}: no such folder of photos")
    letters = [path for path in photos.iterdir() if path.is_dir() and len(path.name) == 1]
    return {"kind": "sun397" if letters else "folder", "root": str(photos.resolve())}
