"""How far cuts and camera moves lie apart for the detector of cuts, on renderings or on photos.

Shape suffixes: h rows and w columns of a frame.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.color.spaces import rgb_to_lab
from huescape.film.cuts import LIMIT, change
from huescape.landscapes.render import CATEGORIES, render_scene

Floats = npt.NDArray[np.floating[Any]]
HEIGHT, WIDTH = 240, 320
WIDE = 2 * WIDTH
SHARES = (0.01, 0.05, 0.1, 0.2, 0.33)  # of the width, a frame
PAIRS = 300


def rendered() -> Iterator[Floats]:
    """Landscapes, twice as wide as a frame, lightness of 0 to 1."""
    for category, seed in itertools.product(CATEGORIES, range(3)):
        yield _lightness(render_scene(category, np.random.default_rng(seed), WIDE, HEIGHT))


def photos(paths: list[Path]) -> Iterator[Floats]:
    """The middle of each photo that is broad enough, alike."""
    for path in paths:
        image = Image.open(path, formats=["JPEG", "PNG"]).convert("RGB")
        if image.width > image.height:
            rows = round(image.height * WIDE / image.width)
            rgb_hw3 = np.asarray(image.resize((WIDE, rows), Image.Resampling.LANCZOS))
            top = max(0, (rows - HEIGHT) // 2)
            yield _lightness(np.ascontiguousarray(rgb_hw3[top : top + HEIGHT]))


def _lightness(rgb_hw3: npt.NDArray[np.uint8]) -> Floats:
    return (rgb_to_lab(rgb_hw3)[..., 0] / 100).astype(np.float32)


def moves(scenes: list[Floats]) -> Iterator[tuple[str, list[float]]]:
    """Pans of several speeds, a zoom and grain: none is a cut."""
    for share in SHARES:
        speed = round(share * WIDTH)
        pairs = itertools.product(scenes, (0, 77))
        found = [change(s[:, x : x + WIDTH], s[:, x + speed : x + speed + WIDTH]) for s, x in pairs]
        yield f"pan, {share:.0%} of the width a frame", found
    for percent in (3, 10):
        down, right = round(HEIGHT * percent / 200), round(WIDTH * percent / 200)
        inner = [s[down : HEIGHT - down, right : WIDTH - right] for s in scenes]
        zoomed = [np.asarray(cv2.resize(x, (WIDTH, HEIGHT)), np.float32) for x in inner]
        found = [change(s[:, :WIDTH], z) for s, z in zip(scenes, zoomed, strict=True)]
        yield f"zoom, {percent} % a frame", found
    rng = np.random.default_rng(0)
    frames = [s[:, :WIDTH] for s in scenes]
    noisy = [np.clip(f + rng.normal(0, 0.1, f.shape), 0, 1) for f in frames]
    yield "grain of a tenth", [change(*pair) for pair in zip(frames, noisy, strict=True)]


def cuts(scenes: list[Floats]) -> list[float]:
    """Between scenes drawn at random."""
    rng = np.random.default_rng(0)
    frames = [s[:, :WIDTH] for s in scenes]
    pairs = (rng.choice(len(frames), 2, replace=False) for _ in range(PAIRS))
    return [change(frames[i], frames[j]) for i, j in pairs]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuts", description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path, help="by default renderings")
    options = parser.parse_args()
    scenes = list(photos(options.photos) if options.photos else rendered())
    print(
        f"{len(scenes)} {'photos' if options.photos else 'renderings'}; a cut is over {LIMIT:g}\n"
    )
    print("| between two frames | least | median | most | taken for a cut |")
    print("|---|---:|---:|---:|---:|")
    for name, found in [*moves(scenes), ("cut", cuts(scenes))]:
        share = np.mean(np.array(found) > LIMIT)
        low, middle, high = np.percentile(found, [0, 50, 100])
        print(f"| {name} | {low:.2f} | {middle:.2f} | {high:.2f} | {share:.1%} |")


if __name__ == "__main__":
    main()
