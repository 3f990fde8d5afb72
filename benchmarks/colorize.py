"""An album by `huescape colorize` against a plain loop: decode, network, paint, encode."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from benchmarks import harness
from benchmarks.photo_files import write_photos
from huescape.base import runtime
from huescape.coloring.album import find_photos
from huescape.coloring.choices import Choices
from huescape.coloring.manner import Manner
from huescape.coloring.painting import colorize
from huescape.coloring.work import color_photos
from huescape.params.released import released_model
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import load_system

TARGET = 1.7
_MODEL = released_model("landscape")
_PLAIN, _ONE, _TWO = "plain loop", "huescape colorize, 1 worker", "huescape colorize, 2 workers"


def run(quick: bool) -> harness.Report:
    """How many times as fast as a plain loop over its photos is an album colored?"""
    size, number = ((96, 64), 4) if quick else ((3000, 2000), 64)
    with TemporaryDirectory() as place:
        photos = Path(place) / "in"
        write_photos(photos, size, number)
        cases = _cases(photos, Path(place))
        seconds = harness.measure(cases, rounds=1 if quick else 3, warmups=0)
    rows = [
        harness.Row(name, "photos/s", harness.rate(times, number))
        for name, times in seconds.items()
    ]
    ratios = [
        harness.Ratio(f"{_TWO} / {_PLAIN}", _faster(seconds, _TWO), TARGET),
        harness.Ratio(f"{_ONE} / {_PLAIN}", _faster(seconds, _ONE)),
    ]
    notes = [
        f"{number} JPEG photos of {size[0]:,} x {size[1]:,} pixels, the shipped model; JPEG of "
        "quality 95, 4:4:4, by both. The start of the workers counts, and that every result is "
        "synced to the disk and recorded, which the loop does without.",
        f"The loop has {runtime.torch_threads()} threads of torch, so have the workers together.",
    ]
    return harness.Report(run.__doc__ or "", rows, ratios, notes)


def _faster(seconds: dict[str, list[float]], name: str) -> harness.Spread:
    return harness.times_faster(seconds[_PLAIN], seconds[name])


def _cases(photos: Path, place: Path) -> dict[str, Callable[[], object]]:
    decoding, fresh = usual_decoding(_MODEL), (place / f"out-{k}" for k in count())
    system = load_system(_MODEL)
    torch.set_num_threads(runtime.torch_threads())
    colorize(system, np.zeros((64, 64, 3), np.uint8), decoding)  # compiled, and warm

    def plain() -> None:
        torch.set_num_threads(runtime.torch_threads())
        out = next(fresh)
        out.mkdir()
        for path in sorted(photos.iterdir()):
            photo = np.asarray(Image.open(path, formats=["JPEG"]).convert("RGB"))
            colored = Image.fromarray(colorize(system, photo, decoding, as_print=True))
            colored.save(out / path.name, quality=95, subsampling=0)

    def album(workers: int) -> None:
        out = next(fresh)
        choices = Choices(_MODEL, Manner(decoding), workers=workers)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            color_photos(find_photos([str(photos)], out).photos, out, choices)

    return {_PLAIN: plain, _ONE: lambda: album(1), _TWO: lambda: album(2)}


if __name__ == "__main__":
    harness.run_command("colorize", run)
