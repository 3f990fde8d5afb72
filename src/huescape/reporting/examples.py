"""The example photos that every system colored, read for the pictures side by side."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.errors import HuescapeError
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
    ids = _common([read_ids(path) for _, path in shown])[:MOST_PHOTOS]
    if not ids:
        return []
    read = [(name, read_pictures(path, ids)) for name, path in shown]
    truth = [true for true, _ in read[0][1]]
    columns = [(name, [predicted for _, predicted in pairs]) for name, pairs in read]
    return side_by_side.draw(folder, ids, truth, columns)


def read_ids(path: Path) -> list[str]:
    """The photos of a `pictures.npz`, in its order."""
    with _opened(path) as stored:
        return [str(photo) for photo in stored["ids"]]


def read_pictures(path: Path, ids: Sequence[str]) -> list[tuple[Picture, Picture]]:
    """The truth and the prediction, each (H, W, 3) uint8, of the photos `ids` of the file.

    The k-th photo of the file has the arrays `truth_<k>` and `rgb_<k>`. Raises HuescapeError,
    naming the file, when one is missing or is no picture.
    """
    pairs = []
    with _opened(path) as stored:
        places = {str(photo): k for k, photo in enumerate(stored["ids"])}
        for photo in ids:
            truth, predicted = (stored[f"{kind}_{places[photo]}"] for kind in ("truth", "rgb"))
            fits = truth.ndim == 3 and truth.shape[2] == 3 and truth.shape == predicted.shape
            if not fits or not truth.dtype == predicted.dtype == np.uint8:
                line = f"the pictures of {photo!r} are not two of shape (H, W, 3) and type uint8"
                raise HuescapeError(f"{path}: {line}; make it again")
            pairs.append((truth, predicted))
    return pairs


def _common(lists: Sequence[Sequence[str]]) -> list[str]:
    """What all lists hold, in the order of the first."""
    return [item for item in lists[0] if all(item in other for other in lists)] if lists else []


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            yield stored
    except KeyError as error:
        raise HuescapeError(f"{path}: {error.args[0]}; make it again") from error
    except (OSError, ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        # NumPy's own words advise to load the file unsafely.
        raise HuescapeError(f"{path}: is not a readable .npz file; make it again") from error
