"""How near are the colors to those of three-color photographs of a hundred years ago?

Sergei Prokudin-Gorskii exposed each scene three times, through a blue, a green and a red filter.
The green exposure is a gray photograph of its time; all three, registered, are the true colors.
Pairs of files, of the same size: the green exposure and the true colors.

    python -m benchmarks.quality.plates GRAY TRUE [GRAY TRUE …]

Shape suffixes: H rows and W columns of a photo.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.quality.photos import (
    Photo,
    Scores,
    mean_of,
    print_table,
    read_photo,
    shipped,
)
from huescape.coloring.painting import field_of
from huescape.coloring.prediction import predict
from huescape.params.decodings import Decoding
from huescape.systems.system import System


def main() -> None:
    """Print a table for each plate and one of the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="GRAY TRUE")
    files = parser.parse_args().files
    if len(files) % 2:
        parser.error("an odd number of files; allowed: pairs of a gray photo and its true colors")
    system, decoding = shipped()
    plates: list[dict[str, Scores]] = []
    for gray, true in zip(files[::2], files[1::2], strict=True):
        photo, exposure = read_photo(true.name, true), read_photo(gray.name, gray)
        if exposure.rgb.shape != photo.rgb.shape:
            parser.error(f"{gray}: {exposure.rgb.shape}, but {true}: {photo.rgb.shape}")
        plates.append(dict(_ways(system, decoding, exposure.rgb, photo)))
        _print(true.stem, plates[-1:])
    if len(plates) > 1:
        _print(f"mean of {len(plates)}", plates)


def _ways(
    system: System, decoding: Decoding, exposure_HW3: npt.NDArray[np.uint8], photo: Photo
) -> Iterator[tuple[str, Scores]]:
    """The scores of each way to color a plate; all of them on the lightness of the true colors."""
    yield "gray", photo.scores(np.zeros((*photo.lab.shape[:2], 2), np.float32), system)
    mean_2 = photo.lab[..., 1:].reshape(-1, 2).mean(axis=0)
    constant_HW2 = np.broadcast_to(mean_2, (*photo.lab.shape[:2], 2)).astype(np.float32)
    yield "oracle: its true mean color", photo.scores(constant_HW2, system)
    for name, seen_HW3 in (("green exposure", exposure_HW3), ("lightness of truth", photo.rgb)):
        for how, edges, as_print in (("", False, False), (", as a print, edges", True, True)):
            prediction = predict(system, seen_HW3, as_print=as_print)
            field = field_of(prediction, decoding, edges=edges)
            yield f"{name}{how}", photo.scores(photo.chroma_of(field, system), system)
    yield "truth", photo.scores(np.ascontiguousarray(photo.lab[..., 1:], np.float32), system)


def _print(title: str, plates: list[dict[str, Scores]]) -> None:
    rows = {}
    for name in plates[0]:
        scores = [plate[name] for plate in plates]
        cells = (("AuC", 4), ("PSNR", 2), ("colorfulness", 1))
        rows[name] = [f"{mean_of(scores, key):.{digits}f}" for key, digits in cells]
    print_table([title, "AuC", "PSNR in dB", "colorfulness"], rows)
    print()


if __name__ == "__main__":
    main()
