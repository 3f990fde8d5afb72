"""Which photos of a source are scored: those that a project may be asked about without cheating.

Shape suffixes: U photos of the source, K photos that are trained on or chosen by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.photos.catalog import CatalogRow, Tally

#: The splits that are trained on or chosen by.
LEARNED = ("train", "val")
_TILE = 256


def as_test(
    rows: Sequence[CatalogRow],
    learned: tuple[npt.NDArray[np.bytes_], npt.NDArray[np.uint64]],
    max_distance: int,
) -> list[CatalogRow]:
    """The source's rows, every kept one in the split test, without copies of learned photos.

    Args:
        learned: SHA-256 (K,), 32 bytes each, and perceptual hashes (K,) of the project's own photos
            that are trained on or chosen by: equal contents are `duplicate`, hashes within
            `max_distance` bits `near_duplicate`.
    Raises:
        HuescapeError: no photo is left.
    """
    sha256_K, hash_K = learned
    kept = [row for row in rows if row.kept]
    sha256_U = np.array([bytes.fromhex(row.sha256) for row in kept], "S32")
    hash_U = np.array([int(row.phash, 16) for row in kept], np.uint64)
    same_U, near_U = np.isin(sha256_U, sha256_K), _near(hash_U, hash_K, max_distance)
    judged = zip(kept, same_U.tolist(), near_U.tolist(), strict=True)
    new = {row.id: _judged(row, *copies) for row, *copies in judged}
    found = [new.get(row.id, row) for row in rows]
    if not any(row.kept for row in found):
        tally = Tally()
        for _ in tally.counted(found):
            pass
        raise HuescapeError(f"gather: no photo is left to score. {tally.funnel()}")
    return found


def _judged(row: CatalogRow, is_copy: bool, is_near: bool) -> CatalogRow:
    if is_copy or is_near:
        reason = "duplicate" if is_copy else "near_duplicate"
        return replace(row, kept=False, split="", reason=reason)
    return replace(row, split="test")


def _near(
    hash_U: npt.NDArray[np.uint64], hash_K: npt.NDArray[np.uint64], max_distance: int
) -> npt.NDArray[np.bool_]:
    """Which hashes are within `max_distance` bits of any known one, (U,)."""
    found_U = np.zeros(len(hash_U), bool)
    if len(hash_K):
        for start in range(0, len(hash_U), _TILE):
            part_U = hash_U[start : start + _TILE]
            bits_UK = np.bitwise_count(part_U[:, None] ^ hash_K[None, :])
            found_U[start : start + _TILE] = bits_UK.min(axis=1) <= max_distance
    return found_U
