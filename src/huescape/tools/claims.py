"""Tool claims: one document from the tables of finished comparisons."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from huescape.base.arguments import given_path
from huescape.base.atomic import write_text
from huescape.base.errors import HuescapeError, ParamsError
from huescape.claims import document, records
from huescape.claims.document import Scores
from huescape.claims.published import CLAIMS
from huescape.params.yaml_files import read_yaml


def add_arguments(parser: ArgumentParser) -> None:
    """Which runs, and where to."""
    parser.add_argument(
        "folders",
        type=given_path,
        nargs="+",
        metavar="FOLDER",
        help="each with claims.csv, compare.csv",
    )
    parser.add_argument("-o", "--output", type=given_path, required=True, metavar="FILE")
    parser.add_argument(
        "--causes", type=given_path, metavar="FILE", help="a text by the claim's number"
    )


def main(options: Namespace) -> None:
    """Write the claims of all runs into one Markdown document, corrected for their number."""
    causes = {} if options.causes is None else _causes(options.causes)
    found = document.joined([records.read(folder / "claims.csv") for folder in options.folders])
    tables = {folder: _scores(folder / "compare.csv") for folder in options.folders}
    for line in document.other_photos(tables):
        print(f"huescape: warning: {line}", file=sys.stderr)
    systems = [scores for rows in tables.values() for scores in rows]
    write_text(options.output, document.text(found, systems, causes))


def _scores(path: Path) -> Sequence[Scores]:
    rows, _ = records.read_rows(path, ("name",))
    for number, row in enumerate(rows, start=2):
        for column in (*document.TEXTS, *document.NUMBERS):
            if not _fits(row.get(column), column in document.NUMBERS):
                raise HuescapeError(f"{path}, record {number}: {column} is {row.get(column)!r}")
    return rows


def _fits(cell: str | None, is_number: bool) -> bool:
    """A text that is there; as a number, empty or finite."""
    if cell is None or not is_number:
        return cell is not None
    try:
        return math.isfinite(float(cell or 0))
    except ValueError:
        return False


def _causes(path: Path) -> dict[str, str]:
    found = read_yaml(path)
    numbers = [claim.number for claim in CLAIMS]
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ParamsError(f"{path}: allowed: a text for each claim, by its number")
    for number in found:
        if number not in numbers:
            raise ParamsError(f"{path}: {number!r} is not a claim; allowed: {', '.join(numbers)}")
    return found
