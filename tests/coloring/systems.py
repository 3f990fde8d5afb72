"""A system and pictures for the tests of coloring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from huescape.color.bins import gamut_centers
from huescape.params.base import Named
from huescape.params.systems import SystemParams
from huescape.systems.system import System, build_system


def make_system(space: str, reach: float = 0.1) -> System:
    """A system with fresh weights; its bins are dull enough to stay in the gamut of mid tones."""
    yuv = np.stack(np.meshgrid([-reach, 0, reach], [-reach, 0, reach]), axis=-1).reshape(-1, 2)
    centers = gamut_centers() * 0.2 if space == "lab" else yuv
    params = SystemParams(
        preset="colorunet",
        quantizer="toy",
        network=Named.model_validate({"name": "colorunet", "width": 4}),
        loss=Named(name="cross_entropy"),
    )
    spec = {"name": "toy", "space": space, "encode": {}, "bins": len(centers)}
    return build_system(params, spec, centers, np.ones(len(centers)))


def picture(height: int, width: int) -> np.ndarray:
    """Waves of mid tones."""
    y, x = np.mgrid[:height, :width]
    waves = 128 + 40 * np.sin(x / 3 + y / 5)
    return np.stack([waves, waves + 9, waves - 9], axis=-1).astype(np.uint8)


def save(path: Path, rgb: np.ndarray, **options: object) -> Path:
    """Write a picture to a file, with the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, **options)
    return path
