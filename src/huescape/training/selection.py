"""Which photos of the training split a system learns from.

Shape suffixes: N photos.
"""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.params.systems import PhotosParams
from huescape.shards import ShardSet

_DIGITS = 13  # hexadecimal ones: as many as a float64 holds


def training_rows(shards: ShardSet, params: PhotosParams) -> npt.NDArray[np.int64]:
    """The rows (N,) of the photos to learn from, ascending.

    A photo is in by a digest of its id alone, so that a smaller share is part of every larger one.
    Raises HuescapeError where none is left.
    """
    rows_N = shards.rows("train")
    if not len(rows_N):
        raise HuescapeError("the target shards hold no photo of the training split")
    chosen = [row for row in rows_N.tolist() if _is_in(shards.ids[row], params)]
    if not chosen:
        raise HuescapeError(
            f"photos: none of the {len(rows_N)} training photos is chosen by only: "
            f"{list(params.only)}, share: {params.share}; one of them: {shards.ids[rows_N[0]]}"
        )
    return np.array(chosen, np.int64)


def _is_in(photo: str, params: PhotosParams) -> bool:
    named = not params.only or any(fnmatchcase(photo, pattern) for pattern in params.only)
    return named and _place(photo) < params.share


def _place(photo: str) -> float:
    """A number in [0, 1) that depends on the id alone, and is not that of its split."""
    digest = hashlib.sha256(f"share {photo}".encode()).hexdigest()
    return float(int(digest[:_DIGITS], 16) / 16**_DIGITS)
