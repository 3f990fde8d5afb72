"""Tool export: write a trained system as one file for torch.export."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base.errors import HuescapeError, ParamsError
from huescape.params.load import load_params
from huescape.params.places import PARAMS, refuse_kept, trained_model


def add_arguments(parser: ArgumentParser) -> None:
    """Which system, where to, for which photos."""
    parser.add_argument("system", help="a trained system")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pt2")
    parser.add_argument("--temperature", type=float, help="default: evaluate.temperature")
    parser.add_argument("--size", type=int, default=256, help="side of the photos (default: 256)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def main(options: Namespace) -> None:
    """Write a trained system as one file."""
    temperature = options.temperature
    if temperature is None:
        temperature = load_params(PARAMS).evaluate.temperature
    if not 0 < temperature <= 1:
        raise ParamsError(f"--temperature is {temperature:g}; allowed: above 0, at most 1")
    refuse_kept(options.output)
    if os.path.lexists(options.output) and not options.overwrite:
        raise HuescapeError(f"{options.output}: exists; name another file, or add --overwrite")
    model = trained_model(options.system)
    from huescape.systems.export import export_system  # loads torch: after what is wrong

    export_system(model, options.output, temperature, options.size)
