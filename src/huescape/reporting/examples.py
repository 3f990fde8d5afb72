"""The example photos that every system colored, read for the pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape.base.arrays import read_arrays
from huescape.base.digests import remedy
from huescape.base.errors import HuescapeError
from huescape.figures import side_by_side
from huescape.reporting.groups import Group

Picture = npt.NDArray[np.uint8]

# The photos are in the order of a hash, so the first ones are as good a choice as any.
MOST_PHOTOS = 8


def draw_blocks(groups: Sequence[Group], folder: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Draw the photos that all groups have into `folder`: each PNG with the groups it shows.

    Each group is shown by its first system. Groups without pictures are left out; with no photo in
    common nothing is drawn. Raises HuescapeError for a file that is broken.
    """
    found = [(group.name, group.members[0].pictures) for group in groups]
    shown = [(name, path) for name, path in found if path is not None]
    ids = common_ids([path for _, path in shown])
    if not ids:
        return []
    read = [(name, read_pictures(path, ids)) for name, path in shown]
    truth = [true for true, _ in read[0][1]]
    columns = [(name, [predicted for _, predicted in pairs]) for name, pairs in read]
    return side_by_side.draw(folder, ids, truth, columns)


def common_ids(paths: Sequence[Path]) -> list[str]:
    """The photos that every `pictures.npz` of `paths` has, the first MOST_PHOTOS of them."""
    return _common([read_ids(path) for path in paths])[:MOST_PHOTOS]


def read_ids(path: Path) -> list[str]:
    """The photos of a `pictures.npz`, in its order; HuescapeError when it is broken."""
    return [str(photo) for photo in read_arrays(path, "ids", stage=_stage(path))["ids"].ravel()]


def read_pictures(path: Path, ids: Sequence[str]) -> list[tuple[Picture, Picture]]:
    """The truth and the prediction, each (H, W, 3) uint8, of the photos `ids` of the file.

    The k-th photo of the file has the arrays `truth_<k>` and `rgb_<k>`. Raises HuescapeError,
    naming the file, when one is missing or is no picture.
    """
    places = {photo: k for k, photo in enumerate(read_ids(path))}
    names = [f"{kind}_{places[photo]}" for photo in ids for kind in ("truth", "rgb")]
    arrays = read_arrays(path, *names, stage=_stage(path))
    pairs = []
    for photo in ids:
        truth, predicted = (arrays[f"{kind}_{places[photo]}"] for kind in ("truth", "rgb"))
        fits = truth.ndim == 3 and truth.shape[2] == 3 and truth.shape == predicted.shape
        if not fits or not truth.dtype == predicted.dtype == np.uint8:
            line = f"the pictures of {photo!r} are not two of shape (H, W, 3) and type uint8"
            raise HuescapeError(f"{path}: {line}; {remedy(_stage(path))}")
        pairs.append((truth, predicted))
    return pairs


def _stage(path: Path) -> str:
    return f"evaluate@{path.parent.name}"


def _common(lists: Sequence[Sequence[str]]) -> list[str]:
    """What all lists hold, in the order of the first."""
    return [item for item in lists[0] if all(item in other for other in lists)] if lists else []
