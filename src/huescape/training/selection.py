"""Which photos of the training split a system learns from.

Shape suffixes: N photos.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.params.systems import PhotosParams
from huescape.shards import ShardSet


def training_rows(shards: ShardSet, params: PhotosParams) -> npt.NDArray[np.int64]:
    """The rows (N,) of the photos to learn from, ascending.

    A photo is in by a digest of its id alone, so that a smaller share is part of every larger one.
    Raises HuescapeError for a pattern that no photo matches, and where none is left.
    """
    rows_N = shards.rows("train")
    if not len(rows_N):
        raise HuescapeError("the target shards hold no photo of the training split")
    for pattern in params.only:
        if not any(fnmatchcase(shards.ids[row], pattern) for row in rows_N):
            raise HuescapeError(
                f"photos.only: {pattern!r} matches none of the {len(rows_N)} training photos, "
                f"as {shards.ids[rows_N[0]]}"
            )
    chosen = [row for row in rows_N.tolist() if params.holds(shards.ids[row])]
    if not chosen:
        raise HuescapeError(
            f"photos.share is {params.share}, which leaves none of {len(rows_N)} training photos; "
            "allowed: a larger one"
        )
    return np.array(chosen, np.int64)
