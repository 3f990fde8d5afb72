"""Tool schema: print the JSON schema of params.yaml."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from huescape.params.load import schema


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> None:
    """Print the JSON schema of params.yaml."""
    print(json.dumps(schema(), indent=1, sort_keys=True))
