"""Tool export: write a trained system as one file for torch.export."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.params.decoding_options import (
    add_decoding_arguments,
    asked_options,
    chosen_decoding,
)
from huescape.params.load import load_params
from huescape.params.places import PARAMS, refuse_kept, trained_model


def add_arguments(parser: ArgumentParser) -> None:
    """Which system, where to, for which photos."""
    parser.add_argument("system", help="a trained system")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pt2")
    add_decoding_arguments(parser)
    parser.add_argument("--size", type=int, default=256, help="side of the photos (default: 256)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def main(options: Namespace) -> None:
    """Write a trained system as one file."""
    decoding = chosen_decoding(options, load_params(PARAMS).evaluate.decode)
    refuse_kept(options.output)
    if os.path.lexists(options.output) and not options.overwrite:
        raise HuescapeError(f"{options.output}: exists; name another file, or add --overwrite")
    model = trained_model(options.system)
    from huescape.systems.export import export_system  # loads torch: after what is wrong

    export_system(model, options.output, decoding, options.size, asked_options(options))
