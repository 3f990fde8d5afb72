"""Tool answers: say how often the people of a study were fooled, with intervals."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.params.places import PARAMS, refuse_kept


def add_arguments(parser: ArgumentParser) -> None:
    """Of which study, and where to."""
    parser.add_argument(
        "store",
        type=Path,
        metavar="STORE",
        help="what `huescape study` keeps, at work or not; or the answers.csv of an earlier run",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="a new folder: the answers and the results as CSV, and what is printed",
    )


def main(options: Namespace) -> None:
    """Print what the answers say of systems, and write all of it where that is wanted."""
    output: Path | None = options.output
    if output is not None:
        if PARAMS.exists():
            refuse_kept(output)
        if os.path.lexists(output):
            raise HuescapeError(f"{output}: exists; name another folder")
    from huescape.study import results  # pandas, which --help does not need
    from huescape.study.records import read_answers

    found = results.Results.of(read_answers(options.store))
    print(results.words(found), end="")
    if output is not None:
        results.write(output, found)
