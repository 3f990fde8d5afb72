"""Tool colorize: color photos, with the model that comes with huescape or a trained system."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base import runtime
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
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def add_model_arguments(parser: ArgumentParser) -> None:
    """Which model colors, and how."""
    parser.add_argument(
        "--system",
        help="a system that was trained here, a model that comes with huescape, or the folder of "
        f"one (default: {MODEL}, which comes with it)",
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

    from huescape.systems import chosen

    torch.set_num_threads(runtime.torch_threads())
    model = chosen.find_model(options.system) if options.system else released_model(MODEL)
    decoding = chosen_decoding(options, chosen.usual_decoding(model))
    print(f"{tool}: {chosen.said(model, decoding)}", flush=True)
    return model, decoding


def main(options: Namespace) -> None:
    """Color photos of any size."""
    model, decoding = chosen_model(options, "colorize")
    from huescape.coloring.files import colorize_files

    colorize_files(
        model,
        options.photos,
        options.output,
        decoding,
        options.size,
        options.overwrite,
        asked_options(options),
    )
