"""The options by which a person asks a command for another decoding than that of params.yaml."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import get_args

from huescape.params.decodings import Decoding, Method, changed

_KEYS = ("method", "tau", "temperature")


def add_decoding_arguments(parser: ArgumentParser) -> None:
    """`--method`, `--tau` and `--temperature`, by default a release's or `evaluate.decode`."""
    said = "default: that of a released model, else evaluate.decode"
    parser.add_argument(
        "--method",
        choices=get_args(Method),
        help=f"how a color is chosen from a distribution ({said}; the others as there "
        "where the method is, too)",
    )
    parser.add_argument("--tau", type=float, help=f"0 to 1; higher is more vivid ({said})")
    parser.add_argument(
        "--temperature", type=float, help=f"above 0, to 1; lower is more vivid ({said})"
    )


def asked_options(options: Namespace) -> list[str]:
    """The names of those that were given."""
    return [f"--{key}" for key in _KEYS if getattr(options, key) is not None]


def chosen_decoding(options: Namespace, usual: Decoding) -> Decoding:
    """`usual` with what was asked for; another method comes with its own temperature, and tau 0.

    Raises ParamsError for a number out of range.
    """
    return changed(usual, options.method, options.tau, options.temperature, dashes="--")
