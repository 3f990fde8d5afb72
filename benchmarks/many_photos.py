"""Many small photos of their own, cheaply: parts of a few rendered landscapes, blended.

Rendering a landscape takes 20 ms, mixing two that are there one: so a hundred thousand can be had.
Each differs from all others by far more than near duplicates do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from huescape.landscapes.render import CATEGORIES, render_scene

SIZE = 120, 100  # just above the least that the stage filter keeps
QUALITY = 88
_SCENES = 60
_FOLDER = 1000  # files of one folder


class Scenes:
    """The landscapes that photos are mixed from."""

    def __init__(self, count: int = _SCENES) -> None:
        self._scenes = [_scene(number) for number in range(count)]

    def photo(self, number: int, size: tuple[int, int] = SIZE) -> Image.Image:
        """Photo `number`, always the same pixels."""
        rng = np.random.default_rng([11, number])
        first, second = (self._part(rng, size) for _ in range(2))
        return Image.blend(first, second, float(rng.uniform(0.3, 0.7)))

    def _part(self, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
        """A random part of a random scene, mirrored or not."""
        scene = self._scenes[int(rng.integers(len(self._scenes)))]
        wide, high = (max(16, int(side * rng.uniform(0.35, 1.0))) for side in scene.size)
        left = int(rng.integers(scene.width - wide + 1))
        top = int(rng.integers(scene.height - high + 1))
        part = scene.resize(size, Image.Resampling.BILINEAR, (left, top, left + wide, top + high))
        return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.integers(2) else part


def write_many(root: Path, count: int, size: tuple[int, int] = SIZE) -> list[Path]:
    """`count` JPEG files below `root`, a thousand in a folder; their paths."""
    scenes = Scenes()
    paths = [root / f"{number // _FOLDER:04d}/{number:08d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        scenes.photo(number, size).save(path, "JPEG", quality=QUALITY)
    return paths


def _scene(number: int) -> Image.Image:
    rng = np.random.default_rng([5, number])
    return Image.fromarray(render_scene(CATEGORIES[number % len(CATEGORIES)], rng, 384, 256))
