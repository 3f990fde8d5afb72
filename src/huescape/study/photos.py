"""The photos of a study as they are shown: at most 256 pixels a side, none of them gray or twice.

Shape suffixes: H rows and W columns of a photo as it is shown.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError, one_line
from huescape.base.progress import progress
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.originals import on_photo
from huescape.coloring.prediction import shrunk
from huescape.evaluation.passes import unpadded
from huescape.params.places import RESIZED
from huescape.photos.toning import ONE_TONE, own_chroma
from huescape.shards import ShardSet
from huescape.sources.walk import LeftOut, walk_photos
from huescape.study.plan import shuffled

Picture = npt.NDArray[np.uint8]
#: The longer side, in pixels: that of stored photos, and of the study of Zhang et al. 2016.
SIDE = 256


def read_photos(folder: Path | None, count: int, seed: int) -> dict[str, Picture]:
    """Photos by name, uint8 (H, W, 3), in the order of their names.

    Those without colors of their own are left out, and those that show the same pixels as one
    before; a line each on standard error, and for those that cannot be read.

    Args:
        folder: with photos in it, at any depth; None for the test split of the project here.
        count: so many of them at most, drawn by the seed.
    Raises:
        HuescapeError: there is no such folder, or no project.
    """
    found = _stored(count, seed) if folder is None else _files(folder, count, seed)
    kept: dict[str, Picture] = {}
    seen: dict[str, str] = {}
    for name, read in found:
        try:
            rgb_HW3 = read()
        except HuescapeError as error:
            _leave_out(name, str(error))
            continue
        pixels = digest(rgb_HW3)
        if own_chroma(rgb_to_lab(rgb_HW3)) < ONE_TONE:
            _leave_out(name, "has no colors of its own")
        elif pixels in seen:
            _leave_out(name, f"shows the same as {seen[pixels]}")
        else:
            kept[name], seen[pixels] = rgb_HW3, name
    return kept


def digest(rgb_HW3: Picture) -> str:
    """What tells a photo's pixels from those of others."""
    return hashlib.sha256(str(rgb_HW3.shape).encode() + rgb_HW3.tobytes()).hexdigest()


def _files(folder: Path, count: int, seed: int) -> Iterator[tuple[str, Callable[[], Picture]]]:
    if not folder.is_dir():
        raise HuescapeError(f"{folder}: no such folder; allowed: a folder of photos")
    left_out = LeftOut()
    names = _some(walk_photos(folder, left_out), count, seed)
    for line in left_out.lines():
        print(f"{folder}: {line}", file=sys.stderr)
    for name in progress(names, desc="photos"):
        yield name, partial(on_photo, folder / name, SIDE, _shown)


def _stored(count: int, seed: int) -> Iterator[tuple[str, Callable[[], Picture]]]:
    if not RESIZED.exists():
        raise HuescapeError(
            f"{RESIZED}: not here; allowed: --photos FOLDER, or a project after `dvc repro`"
        )
    photos = ShardSet.open(RESIZED, "photos")
    rows = {photos.ids[row]: int(row) for row in photos.rows("test")}
    for name in progress(_some(sorted(rows), count, seed), desc="photos"):
        yield name, partial(_unpadded, photos, rows[name])


def _unpadded(photos: ShardSet, row: int) -> Picture:
    return _shown(unpadded(photos, [row])[0])


def _shown(rgb_HW3: Picture) -> Picture:
    return np.ascontiguousarray(shrunk(rgb_HW3, SIDE))


def _some(names: Sequence[str], count: int, seed: int) -> list[str]:
    return sorted(shuffled(names, seed, "count")[:count])


def _leave_out(name: str, why: str) -> None:
    print(one_line(f"{name}: {why}; left out"), file=sys.stderr)
