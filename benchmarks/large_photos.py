"""How much memory `huescape colorize` takes for photos of 100 megapixels: run by hand.

Each is a file of its own, colored by the real command in a process of its own; what is told is the
most memory that was resident at once, by the system's own count.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from huescape.landscapes.render import render_scene

SIDES = (20_000, 5_000)
_GRAIN = 3.0


def main() -> int:
    """Print a table; 0 when every photo was colored."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_photos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small photos; figures mean nothing")
    options = parser.parse_args()
    width, height = (400, 100) if options.quick else SIDES
    print(f"| {width:,} x {height:,} pixels | peak memory | seconds |\n|---|---:|---:|")
    with TemporaryDirectory() as place:
        return max(_told(name, make, Path(place), (width, height)) for name, make in CASES.items())


def _told(name: str, make: Callable[..., None], folder: Path, size: tuple[int, int]) -> int:
    photo = folder / name.replace(" ", "-")
    # In a process of its own: Linux counts the most that a parent ever had as its children's.
    maker = multiprocessing.get_context("spawn").Process(target=make, args=(photo, *size))
    maker.start()
    maker.join()
    command = [sys.executable, "-m", "huescape", "colorize", str(photo), "-o", str(folder / "out")]
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    print(f"| {name} | {usage.ru_maxrss / 1024**2:.2f} GiB | {seconds:.0f} |", flush=True)
    photo.unlink()
    return process.returncode


def _jpeg(path: Path, width: int, height: int) -> None:
    Image.fromarray(_levels(width, height, np.uint8)).save(path, quality=90)


def _gray_jpeg(path: Path, width: int, height: int) -> None:
    Image.fromarray(_levels(width, height, np.uint8)[..., 1]).save(path, quality=90)


def _png(path: Path, width: int, height: int) -> None:
    Image.fromarray(_levels(width, height, np.uint8)).save(path, compress_level=1)


def _deep_tiff(path: Path, width: int, height: int) -> None:
    tifffile.imwrite(path, _levels(width, height, np.uint16), photometric="rgb")


CASES = {
    "JPEG.jpg": _jpeg,
    "gray JPEG.jpg": _gray_jpeg,
    "PNG.png": _png,
    "TIFF of 16 bits.tif": _deep_tiff,
}


def _levels(width: int, height: int, dtype: type) -> npt.NDArray[np.unsignedinteger]:
    """A rendered landscape, enlarged, with grain."""
    rng = np.random.default_rng(0)
    scene = Image.fromarray(render_scene("b/beach", rng, 400, 100))
    smooth = np.asarray(scene.resize((width, height), Image.Resampling.BICUBIC))
    most = np.iinfo(dtype).max
    out = np.empty(smooth.shape, dtype)
    for row, out_row in zip(smooth, out, strict=True):
        grainy = row + rng.normal(0, _GRAIN, row.shape)
        out_row[:] = np.clip(np.rint(grainy * (most / 255)), 0, most)
    return out


if __name__ == "__main__":
    sys.exit(main())
