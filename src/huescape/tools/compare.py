"""Tool compare: train and score all systems of a recipe."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import huescape
from huescape.base import runtime
from huescape.base.arguments import given_path
from huescape.base.errors import HuescapeError, ParamsError
from huescape.engines import leftovers
from huescape.experiments import recipe
from huescape.experiments.execution import schedule
from huescape.experiments.workplace import git, workplace
from huescape.params.places import PAGE

PROJECT = Path(huescape.__file__).parents[2]


def add_arguments(parser: ArgumentParser) -> None:
    """Which systems, on which photos."""
    parser.add_argument(
        "recipe",
        type=given_path,
        nargs="?",
        help="default: experiments/gpu.yaml or cpu.yaml, by device",
    )
    parser.add_argument(
        "-o", "--output", type=given_path, default=Path("comparison"), metavar="FOLDER"
    )
    parser.add_argument(
        "--photos", type=given_path, nargs="+", metavar="FOLDER", help="instead of its sources"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="SYSTEM", help="these, or a pattern: 'zhang2016*'"
    )
    parser.add_argument("--jobs", type=int, help="stages at a time (default: every processor)")


def main(options: Namespace) -> None:
    """Train and score every system of a recipe, in a folder of its own."""
    from huescape.training.devices import choose_device  # loads torch

    on_gpu = choose_device().type != "cpu"
    path = options.recipe or Path("experiments") / f"{'gpu' if on_gpu else 'cpu'}.yaml"
    found = recipe.read_recipe(path)
    if options.jobs is not None and options.jobs < 1:
        raise ParamsError(f"--jobs is {options.jobs}; allowed: at least 1")
    if options.photos is not None:
        found = {**found, "download": {"sources": recipe.photo_sources(options.photos)}}
    full = recipe.checked(found, options.only, path, options.output)
    if not (PROJECT / "dvc.yaml").is_file():
        raise HuescapeError(f"{PROJECT / 'dvc.yaml'}: no such file; run from a checkout")
    with workplace(PROJECT, options.output, results=False) as place:
        # Not the commit's, and no change of the user's: the tag `git.dirty` of a run is about code.
        git(place.project, "update-index", "--skip-worktree", "params.yaml")
        place.write_params(recipe.as_text(full))
        leftovers.bring_back(place.project)
        schedule(place, options.jobs or runtime.cpus(), on_gpu)
        print(f"compare: see {place.project / PAGE}")
