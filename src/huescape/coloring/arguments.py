"""The options of colorize that say how photos are painted, and those that films have as well."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace

from huescape.base.arguments import given_path
from huescape.base.errors import ParamsError
from huescape.coloring.manner import Manner
from huescape.coloring.strokes import parse_hint
from huescape.params.decodings import Decoding

#: What films have no use for.
_OF_PHOTOS = ("keep_toning", "hint", "hints_mask", "compare", "format", "suffix")


def add_manner_arguments(parser: ArgumentParser) -> None:
    """How the colors are painted."""
    parser.add_argument(
        "--strength", type=float, default=1.0, help="of the colors: 0 (gray) to 3 (default: 1)"
    )
    parser.add_argument(
        "--edges",
        action=BooleanOptionalAction,
        default=Manner.edges,
        help="let colors end where the lightness changes (default: yes)",
    )
    parser.add_argument(
        "--prints",
        action=BooleanOptionalAction,
        default=Manner.as_print,
        help="keep a frame free of color, and show the model a faded print from black to white "
        "(default: yes)",
    )
    parser.add_argument(
        "--keep-toning", action="store_true", help="add the tone of a print, such as sepia"
    )
    parser.add_argument(
        "--hint",
        action="append",
        type=str,
        default=[],
        metavar="X,Y,#RRGGBB",
        help="the color of a place in the photo, in pixels from its top left; its region takes it "
        "(of one photo; as often as you like)",
    )
    parser.add_argument(
        "--hints-mask",
        type=given_path,
        metavar="PNG",
        help="strokes of such colors on a transparent picture of the photo's size, or on the photo "
        "in gray",
    )


def chosen_manner(options: Namespace, decoding: Decoding) -> Manner:
    """What the options ask for; ParamsError for a hint that is none."""
    return Manner(
        decoding,
        options.size,
        options.strength,
        options.edges,
        options.prints,
        options.keep_toning,
        hints=tuple(parse_hint(text) for text in options.hint),
        mask=options.hints_mask,
    )


def refuse_for_films(options: Namespace) -> None:
    """Raise ParamsError for an option that only photos have."""
    for key in _OF_PHOTOS:
        if getattr(options, key):
            raise ParamsError(f"--{key.replace('_', '-')}: allowed for photos alone, not for films")
