"""What was found of many photos, by columns: 67 bytes for each, where its row takes 1 kB.

Shape suffixes: N photos, in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huescape.photos.catalog import REASONS, SPLITS, CatalogRow

Ints = npt.NDArray[np.integer]

_REASONS = ("", *REASONS)
_SPLITS = ("", *SPLITS)


@dataclass(frozen=True)
class Judged:
    """Photos and their fates.

    Attributes:
        reason_N: uint8, 0 for a kept photo, else 1 and more in the order of REASONS.
        split_N: uint8, 0 for none, else 1 and more in the order of SPLITS.
        sha256_N: 32 bytes each.
        bytes_N, width_N, height_N: whole numbers.
        chroma_N: float64, NaN where it was not measured.
        phash_N: uint64; 0 where not `hashed_N`.
    """

    reason_N: npt.NDArray[np.uint8]
    split_N: npt.NDArray[np.uint8]
    sha256_N: npt.NDArray[np.bytes_]
    bytes_N: npt.NDArray[np.int64]
    width_N: npt.NDArray[np.int32]
    height_N: npt.NDArray[np.int32]
    chroma_N: npt.NDArray[np.float64]
    phash_N: npt.NDArray[np.uint64]
    hashed_N: npt.NDArray[np.bool_]

    @classmethod
    def of_none(cls, count: int) -> Judged:
        """Room for so many photos."""
        types = (
            *(np.uint8, np.uint8, "S32", np.int64, np.int32, np.int32),
            *(np.float64, np.uint64, np.bool_),
        )
        return cls(*(np.zeros(count, kind) for kind in types))

    def put(self, n: int, row: CatalogRow) -> None:
        """Note what the row of the photo says."""
        self.reason_N[n] = _REASONS.index(row.reason)
        self.split_N[n] = _SPLITS.index(row.split)
        self.sha256_N[n] = bytes.fromhex(row.sha256)
        self.bytes_N[n], self.width_N[n], self.height_N[n] = row.bytes, row.width, row.height
        self.chroma_N[n] = np.nan if row.chroma is None else row.chroma
        self.phash_N[n] = int(row.phash or "0", 16)
        self.hashed_N[n] = bool(row.phash)

    def found(self, n: int) -> dict[str, object]:
        """The fields of the photo's row that it was judged by, or that tell its fate."""
        chroma = float(self.chroma_N[n])
        return {
            "width": int(self.width_N[n]),
            "height": int(self.height_N[n]),
            "chroma": None if np.isnan(chroma) else chroma,
            "phash": f"{int(self.phash_N[n]):016x}" if self.hashed_N[n] else "",
            "split": _SPLITS[self.split_N[n]],
            "kept": not self.reason_N[n],
            "reason": _REASONS[self.reason_N[n]],
        }

    def sha256_of(self, n: int) -> str:
        """The photo's SHA-256 in hex; of an array of bytes NumPy leaves zeros at the end out."""
        return bytes(self.sha256_N[n]).ljust(32, b"\0").hex()

    def split_places(self, splits: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Which of `splits` each photo has, by its place there, (N,)."""
        places: npt.NDArray[np.uint8] = np.array(
            [splits.index(split) for split in _SPLITS], np.uint8
        )[self.split_N]
        return places

    def drop(self, which_X: Ints, reason: str) -> None:
        """Drop these photos for that reason."""
        self.reason_N[which_X] = _REASONS.index(reason)
        self.split_N[which_X] = 0

    def give(self, which_X: Ints | int, split: str) -> None:
        """Give these photos that split."""
        self.split_N[which_X] = _SPLITS.index(split)
