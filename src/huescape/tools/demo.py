"""Tool demo: serve a page on this machine that colors photos, with sliders."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from huescape.base import runtime
from huescape.base.arguments import given
from huescape.base.errors import ParamsError
from huescape.demo.limits import MEGABYTE, MEGAPIXEL, Limits
from huescape.params.released import released_model
from huescape.serving.listening import address, is_loopback, listen
from huescape.tools.colorize import MODEL

if TYPE_CHECKING:
    from huescape.demo.routes import Model


def add_arguments(parser: ArgumentParser) -> None:
    """With what, where, and how much of it."""
    parser.add_argument(
        "--system",
        type=given,
        help="a system that was trained here, a model that comes with huescape, or the folder of "
        f"one (default: {MODEL}, which comes with it)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 for any free one")
    parser.add_argument("--megabytes", type=float, default=20, help="of a file (default: 20)")
    parser.add_argument("--megapixels", type=float, default=40, help="of a photo (default: 40)")
    parser.add_argument("--photos", type=int, default=16, help="held at once (default: 16)")
    parser.add_argument(
        "--minutes", type=float, default=10, help="a photo is held without use (default: 10)"
    )


def main(options: Namespace) -> None:
    """Serve the page until Ctrl-C; what is uploaded stays in memory, and not for long."""
    _refuse_numbers(options)
    with listen(options.host, options.port) as listening:  # a port that is taken: before torch
        import torch

        torch.set_num_threads(runtime.torch_threads())
        from huescape.demo import serving
        from huescape.demo.routes import Routes

        routes = Routes(_model(options.system), _limits(options))
        routes.warm_up()
        if not is_loopback(listening.getsockname()[0]):
            print("demo: open to whoever can reach this machine, unencrypted", file=sys.stderr)
        where = address(listening, options.host)
        print(f"demo: {where} is ready; Ctrl-C ends it", flush=True)
        serving.run(routes, listening, options.host)


def _model(name: str | None) -> Model:
    """The model that was asked for, and a line that says which it is."""
    from huescape.demo.routes import Model
    from huescape.systems import chosen
    from huescape.systems.system import load_system

    folder = chosen.find_model(name) if name else released_model(MODEL)
    decoding = chosen.usual_decoding(folder)
    model = Model(load_system(folder), folder.resolve().name, decoding)
    print(f"demo: {chosen.said(folder, decoding)}", flush=True)
    return model


def _limits(options: Namespace) -> Limits:
    return Limits(
        upload_bytes=round(options.megabytes * MEGABYTE),
        pixels=round(options.megapixels * MEGAPIXEL),
        photos=options.photos,
        seconds=options.minutes * 60,
    )


def _refuse_numbers(options: Namespace) -> None:
    if not 0 <= options.port <= 65535:
        raise ParamsError(f"--port is {options.port}; allowed: 0 to 65535")
    for name in ("megabytes", "megapixels", "minutes"):
        value = getattr(options, name)
        if not (value > 0 and math.isfinite(value)):
            raise ParamsError(f"--{name} is {value:g}; allowed: above 0")
    if options.photos < 1:
        raise ParamsError(f"--photos is {options.photos}; allowed: at least 1")
