"""Tool colorize: color photos, with the model that comes with huescape or a trained system."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.params.decoding_options import (
    add_decoding_arguments,
    asked_options,
    chosen_decoding,
)
from huescape.params.decodings import ANNEALED
from huescape.params.places import PARAMS, refuse_kept

MODEL = "landscape"


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, where to, with what."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--system",
        default=MODEL,
        help="a system that was trained here, a model that comes with huescape, or the folder of "
        f"one (default: {MODEL}, which comes with it)",
    )
    add_decoding_arguments(parser)
    parser.add_argument(
        "--size", type=int, default=256, help="longer side that the network sees (default: 256)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def main(options: Namespace) -> None:
    """Color photos of any size."""
    chosen_decoding(options, ANNEALED)  # numbers out of range are refused before torch is loaded
    if PARAMS.exists():
        refuse_kept(options.output)
    from huescape.systems import chosen
    from huescape.systems.colorize import colorize_files

    model = chosen.find_model(options.system)
    decoding = chosen_decoding(options, chosen.usual_decoding(model))
    print(f"colorize: {chosen.said(model, decoding)}", flush=True)
    colorize_files(
        model,
        options.photos,
        options.output,
        decoding,
        options.size,
        options.overwrite,
        asked_options(options),
    )
