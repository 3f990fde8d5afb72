"""What storing a film with each encoder costs: how near its frames are to those painted, and bytes.

Of a film in a file, or of a pan over a rendered landscape with grain.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange

from benchmarks.flicker import film, pan
from huescape.film import encoders
from huescape.film.encoders import Kind, Plan
from huescape.film.orientation import AS_IT_IS
from huescape.film.pictures import Look, Packing
from huescape.film.stamps import Stamp

Picture = npt.NDArray[Any]
CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mjpeg", "ffv1")
RATE = 25


@dataclass(frozen=True)
class Stored:
    """Decibels of the luma and of the chroma as they are stored, kilobytes and frames a second."""

    luma: float
    chroma: float
    kilobytes: float
    rate: float


def stored(plan: Plan, pictures: list[Picture]) -> Stored:
    """Write the pictures in Matroska, and read them again."""
    packing = Packing(plan.pixel_format, plan.size, AS_IT_IS, plan.look)
    given = [packing.frame(picture, Stamp(i, 1)) for i, picture in enumerate(pictures)]
    with tempfile.TemporaryDirectory() as folder:
        path, start = Path(folder) / "a.mkv", time.perf_counter()
        with av.open(str(path), "w") as container:
            stream = plan.add_to(container)
            for frame in (*given, None):
                container.mux(stream.encode(frame))
        seconds = time.perf_counter() - start
        with av.open(str(path)) as container:
            again = list(container.decode(video=0))
        planes = [_decibels(given, again, plane) for plane in range(3)]
        size = path.stat().st_size / 1000
    return Stored(planes[0], (planes[1] + planes[2]) / 2, size, len(pictures) / seconds)


def _decibels(given: list[av.VideoFrame], again: list[av.VideoFrame], plane: int) -> float:
    errors = []
    for one, other in zip(given, again, strict=True):
        first, second = (
            np.frombuffer(bytes(f.planes[plane]), np.uint8).reshape(f.planes[plane].height, -1)
            for f in (one, other)
        )
        width = one.planes[plane].width
        errors.append(np.square(first[:, :width].astype(float) - second[:, :width]).mean())
    error = float(np.mean(errors))
    return 10 * np.log10(255**2 / error) if error else np.inf


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storing", description=__doc__)
    parser.add_argument("film", nargs="?", type=Path, help="by default a pan over a rendering")
    parser.add_argument("--frames", type=int, default=50)
    options = parser.parse_args()
    shown = film(options.film, None) if options.film else pan("m/mountain", 0, 3, options.frames)
    pictures = [frame.rgb_HW3 for frame in itertools.islice(shown, options.frames)]
    size = pictures[0].shape[:2]
    print("| encoder | options | luma dB | chroma dB | kB | frames/s |")
    print("|---|---|---:|---:|---:|---:|")
    for codec in CODECS:
        kind = Kind(codec, VideoFormat("yuv420p"), Fraction(RATE), Fraction(1, RATE))
        range_ = ColorRange.JPEG if codec == "mjpeg" else ColorRange.MPEG
        plan = encoders.plan("matroska", kind, size, Look(6, int(range_)))
        found = stored(plan, pictures)
        how = f"crf {plan.options['crf']}" if "crf" in plan.options else ""
        print(
            f"| {plan.encoder} | {how} | {found.luma:.1f} | {found.chroma:.1f} | "
            f"{found.kilobytes:,.0f} | {found.rate:.0f} |"
        )


if __name__ == "__main__":
    main()
