"""Is a faded picture colored better when the network is shown its full range of lightness?

Photos with known colors, in gray, are faded: lightness of 0 to 100 becomes that of a range. Each is
colored as it is, and as a print (`predict(as_print=True)`), by the model that comes with huescape;
the AuC is that of its colors against the photo's own.

    python -m benchmarks.quality.fading PHOTO_OR_FOLDER…

Shape suffixes: H rows and W columns of a photo.
"""

from __future__ import annotations

import argparse

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
from huescape.color.spaces import lab_to_picture
from huescape.coloring.painting import field_of
from huescape.coloring.prediction import predict

RANGES = ((0, 100), (10, 90), (18, 95), (20, 85), (30, 75))


def main() -> None:
    """Print a table of what fading costs and what showing the full range brings."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    options = parser.parse_args()
    system, decoding = shipped()
    found: dict[tuple[tuple[int, int], bool], list[Scores]] = {}
    shown: dict[tuple[int, int], list[bool]] = {}
    for photo in photos_with_colors(options):
        for limits in RANGES:
            print_HW3 = faded(photo, limits)
            outputs = []
            for as_print in (False, True):
                prediction = predict(system, print_HW3, as_print=as_print)
                outputs.append(prediction.output_1Cmn)
                chroma_HW2 = photo.chroma_of(field_of(prediction, decoding), system)
                scores = photo.scores(chroma_HW2, system)
                found.setdefault((limits, as_print), []).append(scores)
            changed = outputs[0].shape != outputs[1].shape or bool((outputs[0] != outputs[1]).any())
            shown.setdefault(limits, []).append(changed)
    unfaded = found[RANGES[0], False]
    print(f"{len(unfaded)} photos, AuC {mean_of(unfaded, 'AuC'):.4f} in gray and unfaded\n")
    rows = {}
    for limits in RANGES:
        plain, restored = found[limits, False], found[limits, True]
        rows[f"{limits[0]} to {limits[1]}"] = [
            change(plain, unfaded, "AuC", 4),
            f"{100 * np.mean(shown[limits]):.0f} %",
            change(restored, plain, "AuC", 4),
        ]
    print_table(["lightness", "AuC lost by it", "shown otherwise", "AuC won by that"], rows)


def faded(photo: Photo, limits: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A gray picture of 8 bits whose lightness has shrunk to a range."""
    low, high = limits
    lightness_HW = (low + (high - low) * photo.lab[..., 0] / 100).astype(np.float32)
    return lab_to_picture(lightness_HW, np.zeros((*lightness_HW.shape, 2), np.float32))


if __name__ == "__main__":
    main()
