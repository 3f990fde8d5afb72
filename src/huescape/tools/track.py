"""Tool track: bring finished trainings and evaluations into MLflow that are not there yet."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from huescape import tracking
from huescape.base.errors import HuescapeError
from huescape.params.places import EVALUATION, MODELS
from huescape.params.released import released_model, released_models


def add_arguments(parser: ArgumentParser) -> None:
    """An address to give up."""
    parser.add_argument(
        "--forget", metavar="ADDRESS", help="give up what waits for this address, and publish none"
    )


def main(options: Namespace) -> None:
    """Publish to MLflow what is finished and has no run there."""
    if options.forget:
        print(f"forgotten: {tracking.forget(options.forget)}")
        return
    shipped = [released_model(name) for name in released_models()]
    print(f"published: {tracking.publish_folders(MODELS, EVALUATION, shipped)}")
    if left := tracking.addresses():
        waiting = ", ".join(f"{address} ({count})" for address, count in left.items())
        raise HuescapeError(
            f"runs still wait for {waiting}; `huescape track --forget ADDRESS` gives them up"
        )
