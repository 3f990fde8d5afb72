"""What each photo adds to the sums of `photo_sums`, and how those of many are kept.

Shape suffixes: N photos, E pairs of a photo and a bin that occurs in it, Q scoring bins, D
distances (see `auc`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from huescape.metrics import auc
from huescape.metrics.kept import Stack

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

_PAIRS = ("bin_E", "pixels_E", "hits_E", "units_E")


class PhotoPart(NamedTuple):
    """What one photo adds: its bins, and of each the pixels, those whose predicted bin is the same
    one, and the AuC units; of the predicted picture the sum of squared differences from the true
    one, and what is measured of it, by the score's key.
    """

    bin_E: IntArray
    pixels_E: IntArray
    hits_E: IntArray
    units_E: IntArray
    error: int
    measured: Mapping[str, float]

    @classmethod
    def of(
        cls, table_QD: auc.Table, hits_Q: IntArray, error: int, measured: Mapping[str, float]
    ) -> PhotoPart:
        """Of a table by true bin and distance, hits by true bin, and the picture."""
        bin_E = np.flatnonzero(table_QD.any(axis=1))
        seen_ED = table_QD[bin_E]
        # A photo of the largest size allowed has 1024 x 1024 pixels of at most 300 units.
        return cls(
            bin_E.astype(np.int32),
            seen_ED.sum(axis=1).astype(np.int32),
            hits_Q[bin_E].astype(np.int32),
            auc.units(seen_ED).astype(np.int32),
            int(error),
            dict(measured),
        )


class PhotoParts:
    """The parts of many photos, in the order in which they were added."""

    def __init__(self, parts: Iterable[PhotoPart] = ()) -> None:
        self._counts, self._errors = Stack(np.int64), Stack(np.int64)
        self._pairs = {name: Stack(np.int32) for name in _PAIRS}
        self._measured: dict[str, Stack] = {}
        self._count = 0
        for part in parts:
            self.append(part)

    def append(self, part: PhotoPart) -> None:
        """Add the part of one photo."""
        self._counts.append(len(part.bin_E))
        self._errors.append(part.error)
        for name, stack in self._pairs.items():
            stack.extend(getattr(part, name))
        for key in part.measured.keys() - self._measured.keys():
            self._measured[key] = Stack(np.float64)
            self._measured[key].extend(np.full(self._count, np.nan))
        for key, stack in self._measured.items():
            stack.append(part.measured.get(key, np.nan))
        self._count += 1

    @property
    def counts_N(self) -> IntArray:
        """The pairs of each photo."""
        return self._counts.array()

    @property
    def error_N(self) -> IntArray:
        """Squared errors."""
        return self._errors.array()

    @property
    def measures(self) -> set[str]:
        """What was measured of any photo."""
        return set(self._measured)

    def pairs(self, name: str) -> IntArray:
        """Of all photos `bin_E`, `pixels_E`, `hits_E` or `units_E`."""
        return self._pairs[name].array()

    def measured_N(self, key: str) -> FloatArray:
        """What was measured; NaN where nothing was."""
        stack = self._measured.get(key)
        return np.full(self._count, np.nan) if stack is None else stack.array()
