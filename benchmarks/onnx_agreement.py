"""How far are the pictures of the exported model from those of colorize, on photos of a folder?

    python -m benchmarks.onnx_agreement FOLDER --count 200

Shape suffixes: H rows, W columns.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.onnx import one_thread
from huescape.coloring.export import export_system
from huescape.coloring.painting import colorize
from huescape.params.decodings import Decoding
from huescape.params.released import DEFAULT, released_model
from huescape.photos import open_photo
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import load_system

_SUFFIXES = (".jpg", ".jpeg", ".png")


def main() -> None:
    """Print a line for each decoding."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx_agreement")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200, help="so many photos, drawn at random")
    options = parser.parse_args()
    found = sorted(p for p in options.folder.rglob("*") if p.suffix.lower() in _SUFFIXES)
    photos = random.Random(0).sample(found, min(options.count, len(found)))
    usual = usual_decoding(released_model(DEFAULT))
    for decoding in (usual, Decoding(), Decoding(method="mode")):
        print(f"{decoding.name}: {len(photos)} photos, {_agreement(photos, decoding)}", flush=True)


def _agreement(photos: list[Path], decoding: Decoding) -> str:
    model = released_model(DEFAULT)
    system = load_system(model)
    counts = np.zeros(256, np.int64)  # of levels, by their distance
    with tempfile.TemporaryDirectory(prefix="onnx-") as name:
        export_system(model, Path(name) / "model.onnx", decoding)
        session = one_thread(Path(name) / "model.onnx")
        for photo in photos:
            rgb_HW3 = np.asarray(open_photo(photo.read_bytes()))
            colored_1HW3 = session.run(None, {"picture": rgb_HW3[None]})[0]
            counts += _distances(colored_1HW3[0], colorize(system, rgb_HW3, decoding, edges=False))
    levels, distance = counts.sum(), np.arange(256)
    mean, square = (float((counts * distance**power).sum() / levels) for power in (1, 2))
    psnr = f"{10 * np.log10(255**2 / square):.1f} dB" if square else "infinite"
    return (
        f"{levels / 3e6:.1f} megapixels: levels apart {counts[1:].sum() / levels:.2g} of all, "
        f"by up to {np.flatnonzero(counts).max()}, {mean:.2g} in the mean; PSNR {psnr}"
    )


def _distances(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    apart = np.abs(one.astype(np.int16) - other)
    return np.bincount(apart.ravel(), minlength=256)


if __name__ == "__main__":
    main()
