"""What each photo adds to bits and calibration, so that those of any photos follow from sums.

Shape suffixes: N photos, T temperatures, B bins of confidence, Q bins, R resamplings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics.auc import ratio
from huescape.metrics.calibration import CONFIDENCES, DistributionTotals

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]

# Names of an evaluation for the scores at temperature 1, and at the one that was fitted.
_NAMES = (("bits_per_pixel", "ece"), ("bits_fitted", "calibration_error"))


@dataclass(frozen=True)
class DistributionSums:
    """What each photo adds to the scores of a classifier's distributions.

    Attributes:
        ids_N: of the photos.
        centers_Q2: the classifier's own bins; bits of others say nothing beside its.
        temperature_T: 1, and the fitted one where there is one.
        bits_TN: of all positions of the photo, float64.
        count_TNB, right_TNB: positions by confidence, and those whose most likely bin is the true
            one, int64.
        confidence_TNB: sums of the confidences, float64.
    """

    ids_N: npt.NDArray[np.str_]
    centers_Q2: FloatArray
    temperature_T: FloatArray
    bits_TN: FloatArray
    count_TNB: IntArray
    right_TNB: IntArray
    confidence_TNB: FloatArray

    def __post_init__(self) -> None:
        """Raises HuescapeError for arrays that do not fit together."""
        shape = len(self.temperature_T), len(self.ids_N)
        by_confidence = (self.count_TNB, self.right_TNB, self.confidence_TNB)
        fits = self.bits_TN.shape == shape and 1 <= shape[0] <= len(_NAMES)
        if not fits or any(one.shape != (*shape, CONFIDENCES) for one in by_confidence):
            raise HuescapeError("the sums of distributions do not fit together")

    @classmethod
    def of(
        cls, ids: Sequence[str], centers_Q2: FloatArray, totals: Sequence[DistributionTotals]
    ) -> DistributionSums:
        """Of the totals at each temperature; their parts are in the order of `ids`."""
        return cls(
            ids_N=np.array(ids),
            centers_Q2=np.asarray(centers_Q2, np.float64),
            temperature_T=np.array([one.temperature for one in totals], np.float64),
            bits_TN=np.stack([one.parts.bits.array() for one in totals]),
            count_TNB=np.stack([one.parts.count_B.array() for one in totals]),
            right_TNB=np.stack([one.parts.right_B.array() for one in totals]),
            confidence_TNB=np.stack([one.parts.confidence_B.array() for one in totals]),
        )

    def of_photos(self, chosen_N: BoolArray) -> DistributionSums:
        """Of the chosen photos alone."""
        return replace(
            self,
            ids_N=self.ids_N[chosen_N],
            **{name: getattr(self, name)[:, chosen_N] for name in ARRAYS if "_TN" in name},
        )

    def scores(self, times_RN: FloatArray) -> dict[str, npt.NDArray[np.float64]]:
        """Bits and calibration error of photos that are taken `times_RN` times each, (R,).

        By their names in an evaluation; NaN where no position was taken.
        """
        found = {}
        for place in range(len(self.temperature_T)):
            bits, error = _NAMES[place]
            positions_R = times_RN @ self.count_TNB[place].sum(axis=1)
            gap_NB = self.right_TNB[place] - self.confidence_TNB[place]
            found[bits] = ratio(times_RN @ self.bits_TN[place], positions_R)
            found[error] = ratio(np.abs(times_RN @ gap_NB).sum(axis=1), positions_R)
        return found


#: The arrays of a `DistributionSums` in a file.
ARRAYS = tuple(field.name for field in fields(DistributionSums))
