"""Do colors that end where the lightness does score better, over all pixels and near the edges?

Prediction and decoding of the model that comes with huescape; only what brings its chroma up to the
photo's pixels changes. Because every filter also takes some chroma away, which alone raises AuC and
PSNR, the first rows only multiply it.

    python -m benchmarks.quality.edges PHOTO_OR_FOLDER… [--grid]

Shape suffixes: H rows and W columns of a photo; h, w of what the network sees; m, n of its output.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

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
from huescape.color.decoding import upsample_chroma
from huescape.coloring.edges import FLATNESS, RADIUS, linear_fit
from huescape.coloring.painting import Field, field_of, unit
from huescape.coloring.prediction import Prediction, predict
from huescape.params.decodings import Decoding

PLAIN = "bilinear"
_STRENGTHS = (0.99, 0.975, 0.95)
_OWN = ((RADIUS, FLATNESS),)
_GRID = tuple((r, eps) for r in (1, 2, 3, 4, 6, 8, 12, 16) for eps in (1e-4, 1e-3, 1e-2))
# Of the network's longer side, how wide the blur and the band of an edge are; of the pixels, how
# many have an edge.
_BLUR, _BAND, _STEEP = 1.5 / 320, 3 / 320, 5


def main() -> None:
    """Print a table of differences from bilinear interpolation."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    parser.add_argument("--grid", action="store_true", help="many radii and flatnesses")
    options = parser.parse_args()
    system, decoding = shipped()
    found: dict[str, list[tuple[Scores, Scores]]] = {}
    for photo in photos_with_colors(options):
        prediction = predict(system, photo.rgb)
        near_HW = near_edges(photo)
        for name, field in _fields(prediction, decoding, _GRID if options.grid else _OWN).items():
            chroma_HW2 = photo.chroma_of(field, system)
            pair = photo.scores(chroma_HW2, system), photo.scores(chroma_HW2, system, near_HW)
            found.setdefault(name, []).append(pair)
    _print(found)


def near_edges(photo: Photo) -> npt.NDArray[np.bool_]:
    """The pixels (H, W) near the steepest twentieth of the photo's lightness."""
    side = max(photo.rgb.shape[:2])
    steepness_HW = ndimage.gaussian_gradient_magnitude(photo.lab[..., 0], max(1, _BLUR * side))
    steep_HW = steepness_HW >= np.percentile(steepness_HW, 100 - _STEEP)
    near_HW: npt.NDArray[np.bool_] = ndimage.maximum_filter(
        steep_HW, 2 * max(1, round(_BAND * side)) + 1
    )
    return near_HW


def _fields(
    prediction: Prediction, decoding: Decoding, grid: tuple[tuple[int, float], ...]
) -> dict[str, Field]:
    plain = field_of(prediction, decoding, edges=False)
    fields = {PLAIN: plain}
    for strength in _STRENGTHS:
        weaker_2mn = plain.points_2hw * np.float32(strength)
        fields[f"bilinear, strength {strength:g}"] = replace(plain, points_2hw=weaker_2mn)
    points_12mn = torch.from_numpy(plain.points_2hw)[None]
    seen_2hw = upsample_chroma(points_12mn, plain.source, plain.stride, plain.source)[0].numpy()
    guide_hw = unit(prediction.lightness_hw, prediction.system.space)
    for radius, eps in grid:
        slopes_2hw, offsets_2hw = linear_fit(guide_hw, seen_2hw, radius, eps)
        guided = Field(offsets_2hw, slopes_2hw, 1, plain.source)
        fields[f"guided, radius {radius}, eps {eps:g}"] = guided
    return fields


def _print(found: dict[str, list[tuple[Scores, Scores]]]) -> None:
    whole, near = ({name: [pair[k] for pair in found[name]] for name in found} for k in (0, 1))
    base = ", ".join(f"{key} {mean_of(whole[PLAIN], key):.4f}" for key in whole[PLAIN][0])
    print(f"{len(whole[PLAIN])} photos; {PLAIN}: {base}; near edges: ", end="")
    print(", ".join(f"{key} {mean_of(near[PLAIN], key):.4f}" for key in near[PLAIN][0]), "\n")
    rows = {}
    for name in list(found)[1:]:
        cells = []
        for scores in (whole, near):
            one, other = scores[name], scores[PLAIN]
            cells += [change(one, other, "AuC", 5), change(one, other, "PSNR", 3)]
            difference = mean_of(one, "colorfulness") - mean_of(other, "colorfulness")
            cells.append(f"{difference:+.2f}")
        rows[name] = cells
    columns = ["AuC", "PSNR in dB", "colorfulness"]
    print_table(["", *columns, *(f"{column} near edges" for column in columns)], rows)


if __name__ == "__main__":
    main()
