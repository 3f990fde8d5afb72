"""Tool colorize: color photos, with the model that comes with huescape or a trained system."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from dataclasses import replace
from pathlib import Path

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring.album import Naming, find_photos
from huescape.coloring.choices import MAX_MEGAPIXELS, Choices
from huescape.coloring.kinds import NAMES
from huescape.coloring.manner import Manner
from huescape.coloring.strokes import parse_hint
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
        metavar="PATH",
        help="a photo, a folder of photos and folders, or a pattern such as '*.jpg'",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="a folder, where results are called like their photos; of one photo, also a file",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--strength", type=float, default=1.0, help="of the colors: 0 (gray) to 3 (default: 1)"
    )
    parser.add_argument(
        "--edges",
        action=BooleanOptionalAction,
        default=False,
        help="let colors end where the lightness changes (default: no)",
    )
    parser.add_argument(
        "--keep-toning",
        action="store_true",
        help="let the tone of a print, such as sepia, show below the colors",
    )
    parser.add_argument(
        "--hint",
        action="append",
        type=str,
        default=[],
        metavar="X,Y,#RRGGBB",
        help="the color of a place in the photo, in pixels from its top left; its region takes it "
        "(of one photo; as often as you like)",
    )
    parser.add_argument(
        "--hints-mask",
        type=Path,
        metavar="PNG",
        help="strokes of such colors on a transparent picture of the photo's size, or on the photo "
        "in gray",
    )
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
    """Color photos of any size."""
    choices = _choices(options, Path(), ANNEALED)
    choices.check()  # before torch is loaded
    found = find_photos(options.photos, options.output)
    if (options.hint or options.hints_mask) and len(found.photos) != 1:
        raise ParamsError(f"hints are for one photo; there are {len(found.photos)}")
    for line in found.words:
        print(line, file=sys.stderr)
    model, decoding = chosen_model(options, "colorize")
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


def _choices(options: Namespace, model: Path, decoding: Decoding) -> Choices:
    return Choices(
        model,
        Manner(
            decoding,
            options.size,
            options.strength,
            options.edges,
            keep_toning=options.keep_toning,
            hints=tuple(parse_hint(text) for text in options.hint),
            mask=options.hints_mask,
        ),
        Naming(options.suffix, options.format),
        compares=options.compare,
        overwrite=options.overwrite,
        max_megapixels=options.max_megapixels,
        workers=options.workers,
        asked=asked_options(options),
    )
