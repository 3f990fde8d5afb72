"""Tool track: send to MLflow what a server that was down has missed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from huescape import tracking
from huescape.base.errors import HuescapeError


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> None:
    """Send to MLflow what was recorded while its server was down."""
    print(f"delivered: {tracking.replay()}")
    if folder := tracking.undelivered():
        raise HuescapeError(
            f"{folder}: runs still wait for a server that does not answer; "
            "remove that folder to give them up"
        )
