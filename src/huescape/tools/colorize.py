"""Tool colorize: color photos and films, with the model that comes along or a trained system."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from huescape.base import runtime
from huescape.base.arguments import given, given_path
from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.coloring.album import Found, Naming, find_photos
from huescape.coloring.arguments import add_manner_arguments, chosen_manner, refuse_for_films
from huescape.coloring.choices import MAX_MEGAPIXELS, Choices
from huescape.coloring.kinds import NAMES
from huescape.film import color_film, color_films, film_jobs
from huescape.film.arguments import (
    add_film_arguments,
    asked_film_options,
    chosen_smoothing,
    chosen_storing,
)
from huescape.film.places import refuse_film_for_photos, split
from huescape.params.decoding_options import (
    add_decoding_arguments,
    asked_options,
    chosen_decoding,
)
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.places import PARAMS, refuse_kept
from huescape.params.released import released_model

MODEL = "landscape"


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, where to, with what."""
    parser.add_argument(
        "photos",
        nargs="+",
        type=given,
        metavar="PATH",
        help="a photo, a film, a folder of photos and folders, or a pattern such as '*.jpg'",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=given_path,
        required=True,
        metavar="OUT",
        help="a folder, where results are called like their photos; of one photo, also a file",
    )
    add_model_arguments(parser)
    add_manner_arguments(parser)
    add_film_arguments(parser)
    parser.add_argument(
        "--compare", action="store_true", help="show the photo in gray beside the colored one"
    )
    parser.add_argument(
        "--format", choices=NAMES, help="of all results (default: that of each photo)"
    )
    parser.add_argument(
        "--suffix", default="", help="put before the extension of results (--suffix=-colored)"
    )
    parser.add_argument(
        "--device", help="cpu, cuda, cuda:1, mps (default: HUESCAPE_DEVICE, else the best there is)"
    )
    parser.add_argument(
        "--workers", type=int, help="processes (default: HUESCAPE_WORKERS, else by their number)"
    )
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=MAX_MEGAPIXELS,
        help=f"larger photos are refused (default: {MAX_MEGAPIXELS})",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files of others, too")


def add_model_arguments(parser: ArgumentParser) -> None:
    """Which model colors, and how."""
    parser.add_argument(
        "--system",
        type=given,
        help="a system that was trained here, a model that comes with huescape, the folder of one, "
        f"or an address of MLflow: models:/NAME@best, runs:/ID/NAME (default: {MODEL}, which comes "
        "with it)",
    )
    add_decoding_arguments(parser)
    parser.add_argument(
        "--size",
        type=int,
        help="longer side that the network sees (default: the system's view, or 256)",
    )


def chosen_model(options: Namespace, tool: str) -> tuple[Path, Decoding]:
    """The folder of the model that colors, and its decoding, by the options; `tool` says which.

    Raises HuescapeError where there is no such model, ParamsError for a wrong option, and where
    `output` would be cleared away by the project of this folder.
    """
    chosen_decoding(options, ANNEALED)  # numbers out of range are refused before torch is loaded
    if PARAMS.exists():
        refuse_kept(options.output)
    import torch

    from huescape import tracking
    from huescape.systems import chosen

    torch.set_num_threads(runtime.torch_threads())
    usual, origin = None, ""
    if options.system and tracking.is_address(options.system):
        found = tracking.find_model(options.system)
        model, usual, origin = found.folder, found.decoding, found.origin
    else:
        model = chosen.find_model(options.system) if options.system else released_model(MODEL)
    decoding = chosen_decoding(options, usual or chosen.usual_decoding(model))
    print(f"{tool}: {chosen.said(model, decoding, origin)}", flush=True)
    return model, decoding


def main(options: Namespace) -> None:
    """Color photos of any size, and films."""
    choices = _choices(options, Path(), ANNEALED)
    choices.check()  # before torch is loaded
    films, places = split(options.photos)
    _refuse_unused(options, films)
    if places:
        refuse_film_for_photos(options.output)
    jobs = film_jobs(films, options.output, options.overwrite) if films else []
    found = find_photos(places, options.output) if places else Found()
    if (options.hint or options.hints_mask) and len(found.photos) != 1:
        raise ParamsError(f"hints are for one photo; there are {len(found.photos)}")
    for line in found.words:
        print(one_line(line), file=sys.stderr)
    model, decoding = chosen_model(options, "colorize")
    failed = _color_films(options, jobs, not places, model, decoding) if jobs else 0
    if found.photos:
        _color_photos(options, found, model, decoding)
    if failed:
        raise HuescapeError(f"{failed} of {len(films)} films could not be colored")


def _refuse_unused(options: Namespace, films: Sequence[Path]) -> None:
    """Raise ParamsError for an option that nothing of what is to be colored has a use for."""
    chosen_smoothing(options), chosen_storing(options)
    if films:
        refuse_for_films(options)
    elif asked := asked_film_options(options):
        raise ParamsError(f"{asked[0]}: allowed for films alone; there is none")


def _color_photos(options: Namespace, found: Found, model: Path, decoding: Decoding) -> None:
    from huescape.coloring.devices import find_device
    from huescape.coloring.models import seen_side, training_words
    from huescape.coloring.work import color_photos

    device = str(find_device(options.device))
    seen = f"shown at {seen_side(model, options.size)} pixels, on {device}"
    print(f"colorize: {'; '.join(filter(None, [training_words(model), seen]))}", flush=True)
    choices = replace(_choices(options, model, decoding), device=device)
    color_photos(found.photos, options.output, choices)
    if found.empty:
        raise HuescapeError(f"{found.empty[0]}: no photo in there; all others were colored")


def _color_films(
    options: Namespace,
    jobs: Sequence[tuple[Path, Path]],
    is_all: bool,
    model: Path,
    decoding: Decoding,
) -> int:
    from huescape.coloring.devices import find_device

    color = partial(
        color_film,
        model,
        decoding=decoding,
        size=options.size,
        strength=options.strength,
        edges=options.edges,
        smoothing=chosen_smoothing(options),
        storing=chosen_storing(options),
        overwrite=options.overwrite,
        asked=asked_options(options),
        device=str(find_device(options.device)),
    )
    return color_films(jobs, color, is_all)


def _choices(options: Namespace, model: Path, decoding: Decoding) -> Choices:
    return Choices(
        model,
        chosen_manner(options, decoding),
        Naming(options.suffix, options.format),
        compares=options.compare,
        overwrite=options.overwrite,
        max_megapixels=options.max_megapixels,
        workers=options.workers,
        asked=asked_options(options),
    )
