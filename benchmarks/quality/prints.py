"""Are prints colored better as prints: faded ones, and pictures in a frame?

Photos with known colors, in gray, are faded (lightness of 0 to 100 becomes that of a range) or laid
on a mat. Each is colored as it is and as a print (`predict(as_print=True)`), by the model that
comes with huescape; the AuC is that of the picture's colors against the photo's own.

    python -m benchmarks.quality.prints PHOTO_OR_FOLDER…

Shape suffixes: H rows and W columns of a photo, P and R of the print.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.quality.photos import (
    Photo,
    Scores,
    add_photos,
    change,
    mean_of,
    photos_with_colors,
    print_table,
    shipped,
)
from huescape.color.spaces import lab_to_picture, rgb_to_lab
from huescape.coloring.painting import field_of, unit
from huescape.coloring.prediction import Prediction, predict
from huescape.params.decodings import Decoding

Picture = npt.NDArray[np.uint8]

_RANGES = ((10, 90), (18, 95), (20, 85), (30, 75))
# Levels and width, as a share of the longer side.
_MATS = ((235, 0.08), (15, 0.08), (235, 0.15))


class _Kept(NamedTuple):
    """Scores of a photo colored as it is and as a print, and whether that made any difference."""

    plain: Scores
    as_print: Scores
    differs: bool


def main() -> None:
    """Print what fading and mats cost, and what is won back."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    options = parser.parse_args()
    system, decoding = shipped()
    found: dict[str, list[_Kept]] = {}
    for photo in photos_with_colors(options):
        for name, make in _treatments().items():
            print_PR3, margin = make(photo)
            kinds = [predict(system, print_PR3, as_print=as_print) for as_print in (False, True)]
            plain, as_print = (
                photo.scores(_chroma(kind, decoding, print_PR3, margin), system) for kind in kinds
            )
            found.setdefault(name, []).append(_Kept(plain, as_print, _differ(*kinds)))
    gray = [kept.plain for kept in found["as it is"]]
    print(f"{len(gray)} photos in gray, AuC {mean_of(gray, 'AuC'):.4f}\n")
    rows = {}
    for name, kept in found.items():
        plain = [one.plain for one in kept]
        rows[name] = [
            change(plain, gray, "AuC", 4),
            f"{100 * np.mean([one.differs for one in kept]):.0f} %",
            change([one.as_print for one in kept], plain, "AuC", 4),
        ]
    print_table(["", "AuC lost by it", "treated as a print", "AuC won by that"], rows)


def _treatments() -> dict[str, Callable[[Photo], tuple[Picture, int]]]:
    """Each makes a gray print of a photo, and says how wide its margin is."""
    made: dict[str, Callable[[Photo], tuple[Picture, int]]] = {
        "as it is": partial(_faded, low=0, high=100)
    }
    for low, high in _RANGES:
        made[f"faded to {low} to {high}"] = partial(_faded, low=low, high=high)
    for level, share in _MATS:
        kind = "white" if level > 127 else "black"
        made[f"{kind} mat of {100 * share:.0f} %"] = partial(_on_mat, level=level, share=share)
    return made


def _faded(photo: Photo, low: float, high: float) -> tuple[Picture, int]:
    lightness_HW = (low + (high - low) * photo.lab[..., 0] / 100).astype(np.float32)
    return lab_to_picture(lightness_HW, np.zeros((*lightness_HW.shape, 2), np.float32)), 0


def _on_mat(photo: Photo, level: int, share: float) -> tuple[Picture, int]:
    picture_HW3, _ = _faded(photo, 0, 100)
    margin = round(share * max(picture_HW3.shape[:2]))
    around = (margin, margin), (margin, margin), (0, 0)
    return np.pad(picture_HW3, around, constant_values=level), margin


def _chroma(
    prediction: Prediction, decoding: Decoding, print_PR3: Picture, margin: int
) -> npt.NDArray[np.float32]:
    """The chroma of the picture (H, W, 2) in its print."""
    size = (print_PR3.shape[0], print_PR3.shape[1])
    lightness_PR = unit(rgb_to_lab(print_PR3)[..., 0], prediction.system.space)
    field = field_of(prediction, decoding, edges=False)
    chroma_PR2 = field.at(size, slice(0, size[0]), lightness_PR)
    inside = (slice(margin, side - margin) for side in size)
    return np.ascontiguousarray(chroma_PR2[tuple(inside)])


def _differ(one: Prediction, other: Prediction) -> bool:
    if one.output_1Cmn.shape != other.output_1Cmn.shape:
        return True
    return bool((one.output_1Cmn != other.output_1Cmn).any())


if __name__ == "__main__":
    main()
