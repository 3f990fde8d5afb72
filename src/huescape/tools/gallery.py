"""Tool gallery: draw photos gray, colored and true on sheets, the worst colored first."""

from __future__ import annotations

import random
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from huescape.base.arguments import given_path
from huescape.base.errors import ParamsError
from huescape.params.decoding_options import asked_options
from huescape.params.load import load_params
from huescape.params.places import PARAMS
from huescape.sources.walk import LeftOut, walk_photos
from huescape.tools.colorize import add_model_arguments, chosen_model


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, where to, with what."""
    parser.add_argument("photos", nargs="+", type=given_path, metavar="PHOTO_OR_FOLDER")
    parser.add_argument("-o", "--output", type=given_path, required=True, metavar="FOLDER")
    add_model_arguments(parser)
    parser.add_argument(
        "--decodings", action="store_true", help="a column for each of evaluate.decodes besides"
    )
    parser.add_argument("--count", type=int, help="so many of the photos, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="which they are (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace a gallery that is there")


def main(options: Namespace) -> dict[str, float]:
    """Color photos, compare them with what they were, and draw all that on sheets."""
    if options.count is not None and options.count < 1:
        raise ParamsError(f"--count is {options.count}; allowed: at least 1")
    model, decoding = chosen_model(options, "gallery")
    decodings = {decoding.name: decoding}
    asked = asked_options(options)
    if options.decodings:
        decodings |= {one.name: one for one in load_params(PARAMS).evaluate.decodes}
        asked.append("--decodings")
    photos = _found(options.photos, options.output)
    if options.count is not None:
        photos = random.Random(options.seed).sample(photos, min(options.count, len(photos)))
    from huescape.coloring.gallery import draw_gallery  # loads torch: after what is wrong

    return draw_gallery(
        model,
        photos,
        options.output,
        list(decodings.values()),
        options.size,
        options.overwrite,
        asked,
    )


def _found(places: Sequence[Path], output: Path) -> list[tuple[str, Path]]:
    """The name and the file of each photo that was named, or lies below a folder; each once."""
    found: dict[Path, tuple[str, Path]] = {}
    for place in places:
        inside, out = place.resolve(), output.resolve()
        if out.is_relative_to(inside) or inside.is_relative_to(out):
            raise ParamsError(
                f"--output {output}: lies in {place}, whose photos are drawn, or holds it; "
                "allowed: a folder outside"
            )
        if not place.is_dir():
            found.setdefault(inside, (str(place), place))
            continue
        left_out = LeftOut()
        for name in walk_photos(place, left_out):
            found.setdefault((place / name).resolve(), (name, place / name))
        for line in left_out.lines():
            print(f"{place}: {line}", file=sys.stderr)
    return list(found.values())
