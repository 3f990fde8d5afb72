"""A move of a slider of the demo against a whole run of the network.

Shape suffixes: H rows, W columns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Thread

import numpy as np
import requests
import torch

from benchmarks import harness
from huescape.coloring.painting import colorize
from huescape.demo.app import make_app
from huescape.demo.limits import Limits
from huescape.demo.photo import encoded, quick
from huescape.demo.routes import Model, Routes
from huescape.landscapes.render import render_scene
from huescape.params.decodings import Decoding
from huescape.params.released import released_model
from huescape.serving.listening import address, listen
from huescape.serving.server import server as server_of
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import load_system

HOST = "127.0.0.1"
RUN, VIVID, STRONG = "whole run", "move of vividness", "move of strength"
PLACED, HINTED = "third hint placed", "move of vividness with three hints"
# Set beforehand for 256 x 256: of a whole run, and of the time in which a move has to be answered.
TARGET, MOST = 0.5, 0.1


def run(quick_run: bool) -> harness.Report:
    """How long does a move of a slider take, and how much of a whole run of the network is that?"""
    torch.set_num_threads(1)
    folder = released_model("landscape")
    model = Model(load_system(folder), folder.name, usual_decoding(folder))
    rows, ratios = [], []
    for side in (64,) if quick_run else (256, 1024):
        with _served(model) as where:
            cases = _cases(where, model, side)
            rounds = 2 if quick_run else 31
            seconds = harness.measure(cases, rounds, warmups=2, clock=time.process_time)
        rows += _rows(side, seconds)
        ratios += _ratios(side, seconds)
    return harness.Report(run.__doc__ or "", rows, ratios, _notes(model.decoding))


@contextmanager
def _served(model: Model) -> Iterator[str]:
    """The address of a server of the demo, in a thread of this process."""
    routes = Routes(model, Limits(burst=1e9))
    with listen(HOST, 0) as listening:
        server = server_of(make_app(routes, HOST))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield address(listening, HOST)
        finally:
            server.should_exit = True
            thread.join()
            routes.heavy.close()
            routes.light.close()


def _cases(where: str, model: Model, side: int) -> dict[str, Callable[[], object]]:
    """Each case has a photo of its own: the others' moves would have its decoding forgotten."""
    rgb_HW3 = render_scene("m/mountain", np.random.default_rng(0), side, side)
    session, step = requests.Session(), count()
    photos = f"{where}/api/photos"
    vivid, strong, placed, hinted = (
        session.post(photos, encoded(rgb_HW3, "png"), timeout=60).json()["token"] for _ in range(4)
    )

    def move(token: str, query: str) -> bytes:
        answer = session.get(f"{photos}/{token}/preview?{query}", timeout=60)
        answer.raise_for_status()
        return answer.content

    if move(vivid, "") != quick(colorize(model.system, rgb_HW3, model.decoding, as_print=True)):
        raise SystemExit("demo: a move's picture is not that of a whole run")
    return {
        RUN: lambda: quick(colorize(model.system, rgb_HW3, model.decoding, as_print=True)),
        VIVID: lambda: move(vivid, f"tau={next(step) % 89 / 100}"),
        STRONG: lambda: move(strong, f"strength={next(step) % 89 / 50}"),
        PLACED: lambda: move(placed, _hints(side, next(step) % 41 / 82)),
        HINTED: lambda: move(hinted, f"tau={next(step) % 89 / 100}&{_hints(side, 0.25)}"),
    }


def _hints(side: int, last: float) -> str:
    """A query of three: two of the sky and the mountain, and one at `last`, of 0 to 1, below."""
    places = (0.5, 0.1, "4070c0"), (0.2, 0.6, "c08040"), (last, 0.9, "308040")
    return "&".join(f"hint={x * side:.0f},{y * side:.0f},%23{color}" for x, y, color in places)


def _rows(side: int, seconds: dict[str, list[float]]) -> list[harness.Row]:
    rows = []
    for name, found in seconds.items():
        spread = harness.Spread.of([1000 * value for value in found])
        rows.append(harness.Row(f"{side} x {side}: {name}", "ms", spread))
    return rows


def _ratios(side: int, seconds: dict[str, list[float]]) -> list[harness.Ratio]:
    limit = [MOST] * len(seconds[VIVID])
    found = []
    for name, peer, others, target in (
        (VIVID, RUN, seconds[RUN], TARGET),
        (STRONG, RUN, seconds[RUN], TARGET),
        (VIVID, f"{1000 * MOST:g} ms", limit, 1.0),
        (PLACED, f"{1000 * MOST:g} ms", limit, None),
        (HINTED, f"{1000 * MOST:g} ms", limit, None),
    ):
        value = harness.times_faster(seconds[name], others)
        title = f"{side} x {side}: {name} / {peer}"
        found.append(harness.Ratio(title, value, target if side <= 256 else None, False))
    return found


def _notes(decoding: Decoding) -> list[str]:
    return [
        f"Rendered photos, the shipped model ({decoding.name}). Times are the processor's, "
        "with one thread of torch, without the time in which the machine did something else. A "
        "move is a request over HTTP to a server in the same process, from the query to the last "
        "byte of its JPEG. Of vividness (tau) it is another each time, which is decoded anew; with "
        "strength, the decoded chroma is at hand.",
        "A hint is placed where two are: each time at another place, with the decoded chroma at "
        "hand. The limit was set for moves without hints.",
        "A whole run sees, decodes and paints the photo, and encodes the same JPEG, without any "
        "server. Beforehand, both gave the same bytes.",
    ]


if __name__ == "__main__":
    harness.run_command("demo", run)
