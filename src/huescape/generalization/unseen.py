"""Which photos of a source are scored: those that a project may be asked about without cheating.

Shape suffixes: U photos of the source, K photos that are trained on or chosen by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.photos.catalog import CatalogRow, funnel

_LEARNED = ("train", "val")
_TILE = 256


def as_test(
    rows: Sequence[CatalogRow], known: Sequence[CatalogRow], max_distance: int
) -> list[CatalogRow]:
    """The source's rows, every kept one in the split test, without copies of photos of `known`.

    Of `known`, the project's own catalog, the kept photos that are trained on or chosen by count:
    equal contents are `duplicate`, perceptual hashes within `max_distance` bits `near_duplicate`.
    Raises HuescapeError when no photo is left.
    """
    learned = [row for row in known if row.kept and row.split in _LEARNED]
    contents = {row.sha256 for row in learned}
    kept = [row for row in rows if row.kept]
    near = dict(zip((row.id for row in kept), _near(kept, learned, max_distance), strict=True))
    found = [_judged(row, row.sha256 in contents, near.get(row.id, False)) for row in rows]
    if not any(row.kept for row in found):
        raise HuescapeError(f"gather: no photo is left to score. {funnel(found)}")
    return found


def _judged(row: CatalogRow, is_copy: bool, is_near: bool) -> CatalogRow:
    if not row.kept:
        return row
    if is_copy or is_near:
        reason = "duplicate" if is_copy else "near_duplicate"
        return replace(row, kept=False, split="", reason=reason)
    return replace(row, split="test")


def _near(
    rows: Sequence[CatalogRow], known: Sequence[CatalogRow], max_distance: int
) -> npt.NDArray[np.bool_]:
    """Which photos' hashes are within `max_distance` bits of any known one, (U,)."""
    hash_U, hash_K = (
        np.array([int(row.phash, 16) for row in some], np.uint64) for some in (rows, known)
    )
    found_U = np.zeros(len(rows), bool)
    if len(known):
        for start in range(0, len(rows), _TILE):
            part_U = hash_U[start : start + _TILE]
            bits_UK = np.bitwise_count(part_U[:, None] ^ hash_K[None, :])
            found_U[start : start + _TILE] = bits_UK.min(axis=1) <= max_distance
    return found_U
