"""Tool release: write a trained and scored system as a folder for others, with a model card."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from huescape.base import runtime
from huescape.base.arguments import given_path
from huescape.base.errors import ParamsError
from huescape.params.decoding_options import (
    add_decoding_arguments,
    asked_options,
    chosen_decoding,
)
from huescape.params.decodings import ANNEALED
from huescape.params.places import refuse_kept

_MEGABYTES = 10.0


def add_arguments(parser: ArgumentParser) -> None:
    """Which system, where to, decoded how, with which words."""
    parser.add_argument("system", help="a system that was trained and scored here")
    parser.add_argument("-o", "--output", type=given_path, required=True, metavar="FOLDER")
    add_decoding_arguments(parser)
    parser.add_argument(
        "--notes",
        type=given_path,
        metavar="FILE.md",
        help="what a person writes into the card: `## Intended use`, `## Photos and their terms`, "
        "`## Where it fails`",
    )
    parser.add_argument(
        "--max-megabytes",
        type=float,
        default=_MEGABYTES,
        metavar="MB",
        help=f"refuse a larger release (default: {_MEGABYTES:g})",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a release that is there")


def main(options: Namespace) -> None:
    """Write a release of a system."""
    chosen_decoding(options, ANNEALED)  # numbers out of range are refused before torch is loaded
    if not options.max_megabytes > 0:
        raise ParamsError(f"--max-megabytes is {options.max_megabytes:g}; allowed: above 0")
    refuse_kept(options.output)
    import torch

    from huescape.release.notes import read_notes
    from huescape.release.project import read_trained
    from huescape.release.write import refuse_existing, release

    torch.set_num_threads(runtime.torch_threads())
    refuse_existing(options.output, options.overwrite)
    notes = read_notes(options.notes)
    trained = read_trained(options.system)
    if trained.result.scores["head"] == "chroma" and (asked := asked_options(options)):
        raise ParamsError(f"{asked[0]}: {options.system!r} is a regression; allowed: none")
    decoding = chosen_decoding(options, trained.usual)
    found = release(trained, decoding, notes, options.output, options.max_megabytes)
    print(
        f"release: {options.output}, {decoding.name}, {found['bytes'] / 1e6:.2f} MB; half "
        f"precision moves colors by {found['mean_ab']:g} of ab (99.9 %: {found['high_ab']:g})"
    )
