"""Photos with true colors, the model that comes with huescape, and scores with intervals.

Shape suffixes: H rows and W columns of a photo, N pixels, 2 chroma channels, 3 of Lab.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.color.decoding import join
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.painting import Field, unit
from huescape.metrics.auc import auc, distance_table
from huescape.metrics.bootstrap import draws, interval
from huescape.metrics.colorfulness import colorfulness
from huescape.metrics.pictures import psnr, squared_error
from huescape.params.decodings import Decoding
from huescape.params.released import released_model
from huescape.photos import open_photo, read_bytes
from huescape.sources.splits import SPLITS, read_splits
from huescape.sources.walk import LeftOut, walk_photos
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import System, load_system

FloatArray = npt.NDArray[np.floating[Any]]
Scores = dict[str, float]

MODEL = "landscape"
# As `filter.min_chroma`: without colors there is nothing to compare with.
_LEAST_CHROMA = 1.5


@dataclass(frozen=True)
class Photo:
    """One photo with its true colors: rgb and Lab, (H, W, 3)."""

    name: str
    rgb: npt.NDArray[np.uint8]
    lab: FloatArray

    def chroma_of(self, field: Field, system: System) -> npt.NDArray[np.float32]:
        """What a field gives on this photo's own lightness, (H, W, 2)."""
        size = (self.rgb.shape[0], self.rgb.shape[1])
        lightness_HW = unit(self.lab[..., 0], system.space)
        return np.ascontiguousarray(field.at(size, slice(0, size[0]), lightness_HW), np.float32)

    def scores(
        self, chroma_HW2: FloatArray, system: System, part_HW: npt.NDArray[np.bool_] | None = None
    ) -> Scores:
        """AuC, PSNR in dB and colorfulness, of all pixels or of a part."""
        picture = join(self.lab[..., 0], chroma_HW2, system.space)
        part: Any = slice(None) if part_HW is None else part_HW
        found_N2, true_N2 = (
            np.ascontiguousarray(x_HW2[part].reshape(-1, 2), np.float32)
            for x_HW2 in (chroma_HW2, self.lab[..., 1:])
        )
        error = squared_error(picture[part], self.rgb[part])
        return {
            "AuC": auc(distance_table(found_N2, true_N2, np.zeros(len(true_N2), np.int64), 1)),
            "PSNR": psnr(error, picture[part].size),
            "colorfulness": colorfulness(picture[part]),
        }


def add_photos(parser: ArgumentParser) -> None:
    """Which photos are measured."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER")
    parser.add_argument("--splits", type=Path, help="a table of path and split, as SUN397's lists")
    parser.add_argument("--split", help="those of this split alone: tr, va or te")
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns of names in the folder")


def chosen_photos(options: Namespace) -> list[tuple[str, Path]]:
    """Name and file of each photo, of the split that was asked for."""
    splits = read_splits(options.splits, "--splits") if options.splits else {}
    wanted = SPLITS[options.split] if options.split else None
    chosen = [
        (name, path)
        for name, path in _found(options.photos)
        if any(fnmatch(name, pattern) for pattern in options.only)
        if wanted is None or splits.get(name) == wanted
    ]
    if not chosen:
        raise SystemExit("no photo is there that --only, --splits and --split leave")
    return chosen


def photos_with_colors(options: Namespace) -> Iterator[Photo]:
    """Each chosen photo, at its own size; those without colors of their own are left out."""
    for name, path in chosen_photos(options):
        photo = read_photo(name, path)
        if np.hypot(*np.moveaxis(photo.lab[..., 1:], -1, 0)).mean() >= _LEAST_CHROMA:
            yield photo


def read_photo(name: str, path: Path) -> Photo:
    """A photo as it is."""
    rgb_HW3 = np.asarray(open_photo(read_bytes(path)))
    return Photo(name, rgb_HW3, rgb_to_lab(rgb_HW3))


def shipped() -> tuple[System, Decoding]:
    """The model that comes with huescape, which predicts Lab, and its own decoding."""
    torch.set_num_threads(1)
    folder = released_model(MODEL)
    return load_system(folder), usual_decoding(folder)


def mean_of(scores: Sequence[Scores], key: str) -> float:
    """The mean over photos."""
    return float(np.mean([one[key] for one in scores]))


def change(scores: Sequence[Scores], base: Sequence[Scores], key: str, digits: int) -> str:
    """The mean difference over the same photos, with its 95 % interval (paired bootstrap)."""
    difference_N = np.array(
        [one[key] - other[key] for one, other in zip(scores, base, strict=True)]
    )
    means_R = np.concatenate([times_RN @ difference_N for times_RN in draws(len(difference_N))])
    low, high = interval(means_R / len(difference_N))
    value = float(difference_N.mean())
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def print_table(head: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """A table for a document."""
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for name, cells in rows.items():
        print(f"| {' | '.join([name, *cells])} |", flush=True)


def _found(places: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for place in places:
        if place.is_dir():
            yield from ((name, place / name) for name in sorted(walk_photos(place, LeftOut())))
        else:
            yield place.name, place
