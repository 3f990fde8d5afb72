"""Of photos that show the same, keep the largest; its split is that of all of them.

Shape suffixes: N photos, K kept ones, D of different contents.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from huescape.photos.catalog import split_of
from huescape.photos.duplicates import groups
from huescape.photos.judged import Judged
from huescape.photos.near_hashes import Hashes, pairs_within

Places = npt.NDArray[np.int64]

# What is tested on never also trains: of the splits that lists give to copies, the first holds.
_PRIORITY = ("test", "val", "train", "")


def drop_copies(photos: Judged, max_distance: int, val: float, test: float) -> None:
    """Keep one photo of each group of copies, and give every kept one its split.

    Copies are equal contents, or perceptual hashes within `max_distance`, also by way of others.
    Kept is the one with the most pixels, then bytes, then the lower hash and id: a thumbnail never
    takes the place of its photo. Its split is what a split list gives to any of the group (test
    before val before train), else that of its own content: adding smaller copies moves no photo.

    Args:
        photos: judged ones; the split is what a split list says, else none. Dropped ones get the
            reason `duplicate` or `near_duplicate`.
        val, test: the shares of these splits.
    """
    kept_K = _ranked(photos)
    priority_K = photos.split_places(_PRIORITY)[kept_K]
    distinct_D, priority_D = _drop_equal(photos, kept_K, priority_K)
    for first, *others in groups(len(distinct_D), _alike(photos.phash_N[distinct_D], max_distance)):
        # Places ascend, and are by rank.
        priority_D[first] = priority_D[[first, *others]].min()
        photos.drop(distinct_D[others], "near_duplicate")
    is_kept_D = photos.reason_N[distinct_D] == 0
    for place, split in enumerate(_PRIORITY):
        photos.give(distinct_D[is_kept_D & (priority_D == place)], split)
    for n in distinct_D[is_kept_D & (priority_D == _PRIORITY.index(""))].tolist():
        photos.give(n, split_of(photos.sha256_of(n), val, test))


def _ranked(photos: Judged) -> Places:
    """The kept photos, (K,), the one first that stays of any copies among them."""
    kept_K = np.flatnonzero(photos.reason_N == 0)
    pixels_K = photos.width_N[kept_K].astype(np.int64) * photos.height_N[kept_K]
    # The last key counts most; of equal ones the lower place, which is the lower id, is first.
    keys = (photos.sha256_N[kept_K], -photos.bytes_N[kept_K], -pixels_K)
    return kept_K[np.lexsort(keys)]


def _drop_equal(
    photos: Judged, kept_K: Places, priority_K: npt.NDArray[np.uint8]
) -> tuple[Places, npt.NDArray[np.uint8]]:
    """Drop all but the first of equal contents: those that are left, by rank, and priorities."""
    _, first_D, content_K = np.unique(
        photos.sha256_N[kept_K], return_index=True, return_inverse=True
    )
    priority_D = np.full(len(first_D), len(_PRIORITY), np.uint8)
    np.minimum.at(priority_D, content_K, priority_K)
    is_first_K = np.zeros(len(kept_K), bool)
    is_first_K[first_D] = True
    photos.drop(kept_K[~is_first_K], "duplicate")
    by_rank_D = np.argsort(first_D)
    return kept_K[first_D[by_rank_D]], priority_D[by_rank_D]


def _alike(hash_D: Hashes, distance: int) -> Iterator[tuple[int, int]]:
    """Pairs that connect all near hashes; of equal ones each is named with the first alone.

    Among millions of photos some hash is that of thousands: a notice in place of a photo, say.
    """
    different, firsts, places_D = np.unique(hash_D, return_index=True, return_inverse=True)
    first_D = firsts[places_D]
    for place in np.flatnonzero(first_D != np.arange(len(hash_D))).tolist():
        yield int(first_D[place]), place
    for i, j in pairs_within(different, distance):
        yield int(firsts[i]), int(firsts[j])
