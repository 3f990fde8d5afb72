"""Tool paired: scores of evaluated systems on the same photos, with intervals of differences."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base.arguments import given_path
from huescape.base.atomic import write_text
from huescape.base.errors import ParamsError
from huescape.base.tables import table_text
from huescape.params.places import EVALUATION, refuse_kept

_DIGITS = 6
_ENDINGS = (".csv", ".md")


def add_arguments(parser: ArgumentParser) -> None:
    """Which systems, on which photos, and where to."""
    names = "NAME, a system with all its decodings, or NAME@DECODING: 'colorunet@median'"
    parser.add_argument("first", metavar="FIRST", help=f"what the others differ from: {names}")
    parser.add_argument("others", metavar="OTHER", nargs="*", help="the same")
    parser.add_argument(
        "--photos", nargs="+", default=[], metavar="GLOB", help="by id: 'sun397/b/beach/*'"
    )
    parser.add_argument(
        "--not-photos", nargs="+", default=[], metavar="GLOB", help="to be left out of them"
    )
    parser.add_argument(
        "-o", "--output", type=given_path, metavar="FILE", help="a .csv or .md instead of printing"
    )


def main(options: Namespace) -> None:
    """Print the scores on the chosen photos, or write them into a file."""
    from huescape.reporting import paired, paired_tables  # pandas, which --help does not need
    from huescape.reporting.inputs import read_evaluated

    output: Path | None = options.output
    if output is not None:
        if output.suffix not in _ENDINGS:
            raise ParamsError(f"--output is {output}; allowed: a name that ends in .csv or .md")
        refuse_kept(output)
    names = [text.partition("@") for text in (options.first, *options.others)]
    read = {name: read_evaluated(EVALUATION, name) for name, _, _ in names}
    limits = paired.limited([*read.values()], options.photos, options.not_photos)
    by_name = {one.name: one for one in limits}
    rows = paired.predictions([(by_name[name], decoding) for name, _, decoding in names])
    lines, photos = paired.compared(rows), limits[0].photos
    count = len(photos.ids_N)
    if output is not None and output.suffix == ".csv":
        write_text(output, table_text(paired_tables.numbers(lines, count), _DIGITS))
        return
    text = paired_tables.markdown(lines, count, len(photos.macro_B), rows[0].label)
    if output is None:
        print(text, end="")
    else:
        write_text(output, text)
