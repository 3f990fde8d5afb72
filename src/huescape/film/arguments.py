"""The options of a command that colors films; photos have no use for them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from huescape.base.errors import ParamsError
from huescape.film.settings import USUAL, Smoothing, Storing

_KEYS = ("smoothing", "smoothing_frames", "smoothing_decay", "crf")


def add_film_arguments(parser: ArgumentParser) -> None:
    """`--smoothing`, `--smoothing-frames`, `--smoothing-decay` and `--crf`."""
    parser.add_argument(
        "--smoothing",
        choices=("on", "off", "flow"),
        help="of a film: whether the colors of past frames are averaged in; flow carries them "
        "along with what moves (default: on)",
    )
    parser.add_argument(
        "--smoothing-frames",
        type=int,
        metavar="T",
        help=f"of a film: how many frames are averaged (default: {USUAL.frames})",
    )
    parser.add_argument(
        "--smoothing-decay",
        type=float,
        metavar="ALPHA",
        help=f"of a film: how fast past frames count for less, exp(-ALPHA i) of the one i frames "
        f"ago (default: {USUAL.decay:g})",
    )
    parser.add_argument(
        "--crf",
        type=int,
        help="of a film: the encoder's constant quality, lower is better (default: near the "
        "source, 18 of H.264)",
    )


def asked_film_options(options: Namespace) -> list[str]:
    """The names of those that were given."""
    given = [key for key in _KEYS if getattr(options, key) is not None]
    return [f"--{key.replace('_', '-')}" for key in given]


def chosen_smoothing(options: Namespace) -> Smoothing | None:
    """What the options ask for; None is none. ParamsError for what does not fit or is too much."""
    asked = [name for name in asked_film_options(options) if name.startswith("--smoothing-")]
    if options.smoothing == "off":
        if asked:
            raise ParamsError(f"{asked[0]}: allowed with --smoothing on or flow alone")
        return None
    frames, decay = options.smoothing_frames, options.smoothing_decay
    if options.smoothing == "flow" and frames is not None:
        raise ParamsError("--smoothing-frames: allowed with --smoothing on alone")
    return Smoothing(
        USUAL.frames if frames is None else frames,
        USUAL.decay if decay is None else decay,
        options.smoothing == "flow",
    )


def chosen_storing(options: Namespace) -> Storing:
    """What the options ask for; ParamsError for a number out of range."""
    return Storing(options.crf)
