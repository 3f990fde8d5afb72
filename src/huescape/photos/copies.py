"""Of photos that show the same, keep the largest; its split is that of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from huescape.photos.catalog import CatalogRow, split_of
from huescape.photos.duplicates import groups
from huescape.photos.near_hashes import Hashes, pairs_within

# What is tested on never also trains: of the splits that lists give to copies, the first holds.
_PRIORITY = ("test", "val", "train")


def drop_copies(
    rows: Sequence[CatalogRow], max_distance: int, val: float, test: float
) -> list[CatalogRow]:
    """Keep one photo of each group of copies, and give every kept one its split.

    Copies are equal contents, or perceptual hashes within `max_distance`, also by way of others.
    Kept is the one with the most pixels, then bytes, then the lower hash and id: a thumbnail never
    takes the place of its photo. Its split is what a split list gives to any of the group (test
    before val before train), else that of its own content: adding smaller copies moves no photo.

    Args:
        rows: judged photos; `split` is what a split list says, else empty.
        val, test: the shares of these splits.
    Returns:
        the rows in their order; dropped ones have the reason `duplicate` or `near_duplicate`.
    """
    out = {row.id: row for row in rows}
    same: dict[str, list[CatalogRow]] = {}
    for row in rows:
        if row.kept:
            same.setdefault(row.sha256, []).append(row)
    distinct = [_keep_first(out, group, "duplicate") for group in same.values()]
    hashes = np.array([int(row.phash, 16) for row in distinct], dtype=np.uint64)
    for members in groups(len(distinct), _alike(hashes, max_distance)):
        _keep_first(out, [distinct[i] for i in members], "near_duplicate")
    return [_with_split(row, val, test) for row in out.values()]


def _alike(hashes: Hashes, distance: int) -> Iterator[tuple[int, int]]:
    """Pairs that connect all near hashes; of equal ones each is named with the first alone.

    Among millions of photos some hash is that of thousands: a notice in place of a photo, say.
    """
    different, firsts, places = np.unique(hashes, return_index=True, return_inverse=True)
    for place, first in enumerate(firsts[places].tolist()):
        if first != place:
            yield first, place
    for i, j in pairs_within(different, distance):
        yield int(firsts[i]), int(firsts[j])


def _keep_first(out: dict[str, CatalogRow], group: Iterable[CatalogRow], reason: str) -> CatalogRow:
    first, *others = sorted(group, key=_rank)
    for row in others:
        out[row.id] = replace(row, kept=False, split="", reason=reason)
    listed = {row.split for row in (first, *others)}
    split = next((split for split in _PRIORITY if split in listed), "")
    kept = replace(first, split=split) if others else first
    out[kept.id] = kept
    return kept


def _rank(row: CatalogRow) -> tuple[int, int, str, str]:
    return -row.width * row.height, -row.bytes, row.sha256, row.id


def _with_split(row: CatalogRow, val: float, test: float) -> CatalogRow:
    if not row.kept or row.split:
        return row
    return replace(row, split=split_of(row.sha256, val, test))
