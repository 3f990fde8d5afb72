"""Frames of a film a second, against a plain loop that colors one picture after the other.

The loop is what one writes without `huescape.film`: PyAV reads, `colorize` colors, PyAV writes,
nothing is averaged. Network and decoding take nearly all of the time; what can be won is that the
next frame is looked at while the one before is painted, and lost is the averaging.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import torch

from benchmarks import harness
from benchmarks.flicker import pan
from benchmarks.harness import Ratio, Report, Row
from huescape.coloring.painting import colorize
from huescape.film import color_film
from huescape.film.settings import Smoothing
from huescape.params.decodings import Decoding
from huescape.params.released import released_model
from huescape.systems import chosen
from huescape.systems.system import load_system

PLAIN = "a plain loop over pictures"
WAYS = {
    "color_film, smoothing off": None,
    "color_film, smoothing on": Smoothing(),
    "color_film, smoothing flow": Smoothing(flow=True),
}
# What smoothing may cost beside a loop that has none.
TARGET = 0.9
RATE = 30
ROUNDS = 3


def run(quick: bool) -> Report:
    """How many times as fast as a plain loop is a film of 480 x 360 pixels colored?"""
    torch.set_num_threads(1)
    frames, size = (3, (48, 64)) if quick else (20, (360, 480))
    model = released_model("landscape")
    decoding = chosen.usual_decoding(model)
    with tempfile.TemporaryDirectory() as folder:
        film, out = Path(folder) / "film.mp4", Path(folder) / "out.mp4"
        _store(film, frames, size)
        cases: dict[str, Callable[[], object]] = {
            PLAIN: partial(_plain_loop, model, film, out, decoding)
        }
        for name, way in WAYS.items():
            cases[name] = partial(
                color_film, model, film, out, decoding, smoothing=way, overwrite=True
            )
        seconds = harness.measure(cases, 2 if quick else ROUNDS)
    rows = [Row(name, "frames/s", harness.rate(times, frames)) for name, times in seconds.items()]
    ratios = [
        Ratio(f"{name} / {PLAIN}", harness.times_faster(seconds[PLAIN], seconds[name]), TARGET)
        for name in WAYS
    ]
    notes = [
        f"{frames} frames of {size[1]} x {size[0]} pixels, H.264; the model landscape, "
        f"{decoding.name}, one thread of torch.",
        "Both load the model, and write H.264 with crf 18.",
    ]
    return Report(run.__doc__ or "", rows, ratios, notes)


def _store(path: Path, frames: int, size: tuple[int, int]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", RATE, options={"crf": "18"})
        stream.height, stream.width = size
        for frame in pan("m/mountain", 0, 3, frames, size):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.rgb_HW3, format="rgb24")))
        container.mux(stream.encode(None))


def _plain_loop(model: Path, film: Path, out: Path, decoding: Decoding) -> None:
    system = load_system(model)
    with av.open(str(film)) as source, av.open(str(out), "w") as container:
        stream, size = container.add_stream("libx264", RATE), source.streams.video[0]
        stream.height, stream.width, stream.options = size.height, size.width, {"crf": "18"}
        for frame in source.decode(video=0):
            painted_HW3 = colorize(system, frame.to_ndarray(format="rgb24"), decoding)
            again = av.VideoFrame.from_ndarray(painted_HW3, format="rgb24")
            again.pts, again.time_base = frame.pts, frame.time_base
            container.mux(stream.encode(again))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    harness.run_command("film", run)
