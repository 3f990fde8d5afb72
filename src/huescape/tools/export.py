"""Tool export: write a trained or shipped system as one file, for torch.export or ONNX."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from huescape.base.arguments import given_path
from huescape.base.errors import HuescapeError
from huescape.params.decoding_options import (
    add_decoding_arguments,
    asked_options,
    chosen_decoding,
)
from huescape.params.decodings import ANNEALED
from huescape.params.places import PARAMS, refuse_kept


def add_arguments(parser: ArgumentParser) -> None:
    """Which system, where to, and how it colors."""
    parser.add_argument(
        "system", help="a trained system, a model that comes with huescape, or the folder of one"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=given_path,
        required=True,
        metavar="FILE",
        help="*.pt2 for torch.export.load, *.onnx for ONNX",
    )
    add_decoding_arguments(parser)
    parser.add_argument(
        "--size",
        type=int,
        help="longer side that the network sees (default: the system's view, or 256)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def main(options: Namespace) -> None:
    """Write a trained or shipped system as one file."""
    chosen_decoding(options, ANNEALED)  # numbers out of range are refused before torch is loaded
    if PARAMS.exists():
        refuse_kept(options.output)
    if os.path.lexists(options.output) and not options.overwrite:
        raise HuescapeError(f"{options.output}: exists; name another file, or add --overwrite")
    from huescape.coloring.export import export_system
    from huescape.systems import chosen

    model = chosen.find_model(options.system)
    decoding = chosen_decoding(options, chosen.usual_decoding(model))
    print(f"export: {chosen.said(model, decoding)}", flush=True)
    export_system(model, options.output, decoding, options.size, asked_options(options))
