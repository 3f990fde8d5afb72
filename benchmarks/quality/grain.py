"""Does the grain of a photo become noise of color?

Rendered scenes in gray, 1,024 pixels wide, with grain of the photo's own pixels or of twice their
size: how far the lightness and the chroma of the result scatter around their means nearby, where
the scene itself is flat. The chroma of the scene without grain is taken away.

    python -m benchmarks.quality.grain

Shape suffixes: H rows and W columns of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.quality.photos import print_table, shipped
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.painting import Field, field_of, unit
from huescape.coloring.prediction import predict
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.params.decodings import Decoding
from huescape.systems.system import System

FloatArray = npt.NDArray[np.floating[Any]]

_SIZE = (1024, 768)
_GRAINS = (2, 5, 10, 20)  # standard deviation in levels of 255
_NEARBY = 15  # pixels
_FLAT = 50  # percent of the pixels


def main() -> None:
    """Print the scatter for each strength of the grain."""
    system, decoding = shipped()
    scenes = [
        np.rint(render_scene(category, np.random.default_rng(1), *_SIZE).mean(axis=2))
        for category in CATEGORIES
    ]
    rows = {}
    for size in (1, 2):
        for grain in _GRAINS:
            found = [list(_scatter(system, decoding, scene, grain, size)) for scene in scenes]
            cells = [f"{value:.2f}" for value in np.sqrt(np.square(found).mean(axis=0))]
            rows[f"{grain} levels, {size} pixel{'s' * (size > 1)} wide"] = cells
    print(f"{len(scenes)} scenes of {_SIZE[0]} x {_SIZE[1]} pixels\n")
    print_table(["grain", "lightness", "chroma, bilinear", "chroma, edges"], rows)


def _scatter(
    system: System, decoding: Decoding, scene_HW: FloatArray, grain: int, size: int
) -> Iterator[float]:
    """Of the lightness, and of the chroma without and with edges; standard deviations in Lab."""
    coarse = tuple(-(-side // size) for side in scene_HW.shape)
    noise = np.random.default_rng(2).normal(0, grain, coarse).repeat(size, 0).repeat(size, 1)
    noise_HW = noise[: scene_HW.shape[0], : scene_HW.shape[1]]
    steepness_HW = ndimage.gaussian_gradient_magnitude(scene_HW, 3.0)
    flat_HW = steepness_HW <= np.percentile(steepness_HW, _FLAT)
    clean, grainy = (
        np.clip(np.rint(x), 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
        for x in (scene_HW, scene_HW + noise_HW)
    )
    yield _deviation([(rgb_to_lab(grainy) - rgb_to_lab(clean))[..., 0]], flat_HW)
    for edges in (False, True):
        of_both = [
            _chroma(field_of(predict(system, rgb), decoding, edges=edges), rgb, system)
            for rgb in (grainy, clean)
        ]
        yield _deviation(np.moveaxis(of_both[0] - of_both[1], -1, 0), flat_HW)


def _chroma(field: Field, rgb: npt.NDArray[np.uint8], system: System) -> FloatArray:
    lightness_HW = unit(rgb_to_lab(rgb)[..., 0], system.space)
    return field.at((rgb.shape[0], rgb.shape[1]), slice(0, len(rgb)), lightness_HW)


def _deviation(planes: Any, flat_HW: npt.NDArray[np.bool_]) -> float:
    """The scatter around the mean nearby; of two planes, of their distance."""
    away = [plane_HW - ndimage.uniform_filter(plane_HW, _NEARBY) for plane_HW in planes]
    return float(np.sqrt(sum(np.square(one)[flat_HW].mean() for one in away)))


if __name__ == "__main__":
    main()
