"""Tool sweep: run the graph at many points of the parameters."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from huescape.base.arguments import given_path
from huescape.experiments.sweep import run_sweep


def add_arguments(parser: ArgumentParser) -> None:
    """Which points."""
    parser.add_argument("file", type=given_path, help="a sweep file, such as sweeps/lambda.yaml")


def main(options: Namespace) -> None:
    """Run every point of a sweep file."""
    run_sweep(options.file)
