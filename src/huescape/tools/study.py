"""Tool study: serve a page on which people tell real photos from colored ones."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.params.places import PARAMS, refuse_kept
from huescape.params.released import released_model
from huescape.serving.listening import address, is_loopback, listen
from huescape.study.plan import Design
from huescape.study.store import Store
from huescape.tools.colorize import MODEL

if TYPE_CHECKING:
    from huescape.study.pictures import Painter
    from huescape.study.routes import Routes


def add_arguments(parser: ArgumentParser) -> None:
    """Which systems, on which photos, in how many trials, and where all that is."""
    parser.add_argument(
        "--systems",
        nargs="+",
        default=[],
        metavar="SYSTEM",
        help="each a system that was trained here, a model that comes with huescape, or the folder "
        f"of one (default: {MODEL}, which comes with it)",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="FOLDER",
        help="of color photos (default: the test split of the project here)",
    )
    parser.add_argument("--count", type=int, default=200, help="photos at most (default: 200)")
    parser.add_argument(
        "--store",
        type=Path,
        default=Path("study.sqlite"),
        metavar="FILE",
        help="where answers are kept; one that is there goes on (default: study.sqlite)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the plan (default: 0)")
    parser.add_argument(
        "--practice", type=int, default=10, help="trials of a session that do not count: 10"
    )
    parser.add_argument("--trials", type=int, default=40, help="of a session after those: 40")
    parser.add_argument("--catch", type=int, default=4, help="of them, with wrong colors: 4")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 for any free one")


def main(options: Namespace) -> None:
    """Color the photos, then serve the page until Ctrl-C; answers stay in the store."""
    _refuse_numbers(options)
    _refuse_store(options.store)
    with listen(options.host, options.port) as listening:  # what is wrong there: before torch
        import torch

        torch.set_num_threads(runtime.torch_threads())
        from huescape.study import serving

        routes = _routes(options)
        if not is_loopback(listening.getsockname()[0]):
            print("study: open to whoever can reach this machine, unencrypted", file=sys.stderr)
        where = address(listening, options.host)
        print(f"study: {where} is ready; Ctrl-C ends it", flush=True)
        serving.run(routes, listening, options.host)


def _routes(options: Namespace) -> Routes:
    """The plan, the pictures and the store; HuescapeError where that is of another study."""
    from huescape.study.limits import Limits
    from huescape.study.photos import read_photos
    from huescape.study.pictures import Pictures
    from huescape.study.routes import Routes, Study

    painters, told = _painters(options.systems or [str(released_model(MODEL))])
    photos = read_photos(options.photos, options.count, options.seed)
    numbers = options.practice, options.trials, options.catch
    design = Design(options.seed, len(painters), len(photos), *numbers)
    design.check()
    store = Store(options.store)
    store.bind(_settings(design, told, photos))
    pictures = Pictures(design, photos, painters)
    print(f"study: {_said(design, store)}", flush=True)
    names = [painter.name for painter in painters]
    return Routes(Study(design, list(photos), names, pictures), store, Limits())


def _painters(names: Sequence[str]) -> tuple[list[Painter], list[str]]:
    """The systems, and of each what tells it from others: its name, weights and decoding."""
    from huescape.coloring.models import weights_digest
    from huescape.study.pictures import Painter
    from huescape.study.routes import RANDOM
    from huescape.systems import chosen
    from huescape.systems.system import load_system

    folders = [chosen.find_model(name) for name in names]
    called = Counter(folder.resolve().name for folder in folders)
    if twice := [name for name, times in called.items() if times > 1 or name == RANDOM]:
        raise ParamsError(
            f"--systems: {twice[0]}: allowed: each name once, and none called {RANDOM!r}"
        )
    painters, told = [], []
    for folder in folders:
        decoding = chosen.usual_decoding(folder)
        print(f"study: {chosen.said(folder, decoding)}", flush=True)
        painter = Painter(folder.resolve().name, load_system(folder), decoding)
        painters.append(painter)
        told.append(f"{painter.name} {weights_digest(folder)} {decoding.model_dump_json()}")
    return painters, told


def _settings(design: Design, told: Sequence[str], photos: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same when a study goes on."""
    from huescape.study.photos import digest

    return {
        "seed": design.seed,
        "practice": design.practice,
        "trials": design.trials,
        "catch": design.catch,
        "systems": list(told),
        "photos": {name: digest(rgb_HW3) for name, rgb_HW3 in photos.items()},
    }


def _said(design: Design, store: Store) -> str:
    spare = design.photos - design.practice - design.catch - len(design.test_photos)
    unused = f", {spare} not shown" if spare else ""
    return (
        f"{len(design.test_photos)} photos that count, {design.block} in a session{unused}; "
        f"{design.practice} for practice, {design.catch} for catch trials; "
        f"{store.begun()} sessions in {store.path}"
    )


def _refuse_store(path: Path) -> None:
    """Raise HuescapeError for a store that cannot be one, before anything is loaded."""
    if PARAMS.exists():
        refuse_kept(path)
    if not path.parent.is_dir():
        raise HuescapeError(f"{path}: there is no folder {path.parent}; make it, or name another")
    if path.exists():
        Store(path, make=False).close()


def _refuse_numbers(options: Namespace) -> None:
    if not 0 <= options.port <= 65535:
        raise ParamsError(f"--port is {options.port}; allowed: 0 to 65535")
    if options.count < 1:
        raise ParamsError(f"--count is {options.count}; allowed: at least 1")
    # As many photos as there could be: what is wrong besides, before anything is loaded.
    numbers = options.practice, options.trials, options.catch
    Design(options.seed, 1, options.count, *numbers).check()
