"""Tool colorize: color photos with a trained system."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base.errors import ParamsError
from huescape.params.decoding_options import (
    add_decoding_arguments,
    asked_options,
    chosen_decoding,
)
from huescape.params.decodings import Decoding
from huescape.params.load import load_params
from huescape.params.places import PARAMS, refuse_kept, trained_model


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, where to, with what."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def add_model_arguments(parser: ArgumentParser) -> None:
    """Which model colors, and how."""
    parser.add_argument("--system", help="a trained system (default: the first in params.yaml)")
    add_decoding_arguments(parser)
    parser.add_argument(
        "--size", type=int, default=256, help="longer side that the network sees (default: 256)"
    )


def chosen_model(options: Namespace) -> tuple[Path, Decoding]:
    """The folder of the model that colors, and its decoding, by the options.

    Raises HuescapeError where there is no such model, ParamsError for a wrong option.
    """
    params = load_params(PARAMS)
    name = options.system or next(iter(params.every_system), None)
    if name is None:
        raise ParamsError(f"{PARAMS}: systems is empty; name a trained one with --system")
    decoding = chosen_decoding(options, params.evaluate.decode)
    return trained_model(name), decoding


def main(options: Namespace) -> None:
    """Color photos of any size with a trained system."""
    refuse_kept(options.output)
    model, decoding = chosen_model(options)
    from huescape.systems.colorize import colorize_files  # loads torch: after what is wrong

    colorize_files(
        model,
        options.photos,
        options.output,
        decoding,
        options.size,
        options.overwrite,
        asked_options(options),
    )
