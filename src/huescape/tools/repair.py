"""Tool repair: put back a dvc.lock that a kill cut short."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from huescape.engines import lockfile


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> None:
    """Put back a dvc.lock that a kill cut short; say so, or that nothing is wrong."""
    lockfile.tell(lockfile.repair())
    print("dvc.lock is whole" if lockfile.LOCK.exists() else "there is no dvc.lock yet")
