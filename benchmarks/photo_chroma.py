"""Chroma of rendered sample photos, for the benchmarks of the encoding.

Legend: P photos, N pixels, 2 chroma channels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from huescape.color.spaces import space as named_space
from huescape.landscapes.render import CATEGORIES, render_scene

SIDE = 256


@lru_cache(maxsize=1)
def photos(count: int) -> npt.NDArray[np.uint8]:
    """Photos (P, 256, 256, 3) of all categories in turn, each with a seed of its own."""
    rendered = [
        render_scene(CATEGORIES[n % len(CATEGORIES)], np.random.default_rng([7, n]), SIDE, SIDE)
        for n in range(count)
    ]
    return np.stack(rendered)


def chroma(space: str, count: int, vivid: float) -> npt.NDArray[np.float32]:
    """Chroma (P, N, 2) float32 of `count` photos in `space`, N = 256 x 256.

    A share `vivid` of the pixels takes a random color of a face of the RGB cube instead: photos of
    flowers and signs reach the gamut's edge, which rendered landscapes do not.
    """
    rng = np.random.default_rng(5)
    found = []
    for photo_HW3 in photos(count):
        rgb_N3 = photo_HW3.reshape(-1, 3).copy()
        at = np.flatnonzero(rng.random(len(rgb_N3)) < vivid)
        rgb_N3[at] = rng.integers(0, 256, (len(at), 3), dtype=np.uint8)
        rgb_N3[at, rng.integers(0, 3, len(at))] = rng.integers(0, 2, len(at)) * 255
        found.append(named_space(space).from_rgb(rgb_N3)[:, 1:])
    return np.ascontiguousarray(np.stack(found), np.float32)
