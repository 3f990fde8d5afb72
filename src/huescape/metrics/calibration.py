"""How good distributions over bins are, before a color is chosen: bits per pixel, calibration.

Shape suffixes: Q bins, P positions, B bins of confidence.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from huescape.metrics.kept import Stack
from huescape.metrics.totals import mean

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

#: Equal bins of confidence (Guo et al. 2017).
CONFIDENCES = 15
# Between which a temperature is looked for.
LOWEST, HIGHEST = 0.05, 20.0
# A logit further below the highest is e^-10000 likely: the sums stay finite.
_LOWEST_LOGIT = -1e4


class DistributionPart(NamedTuple):
    """What one photo adds: bits of all its positions, and by bin of confidence the positions,
    those whose most likely bin is the true one, and the sum of the confidences.
    """

    bits: float
    count_B: IntArray
    right_B: IntArray
    confidence_B: npt.NDArray[np.float64]

    @classmethod
    def of(cls, logits_QP: FloatArray, true_P: IntArray, temperature: float) -> DistributionPart:
        """Of the logits of a photo's positions, and the bin that each truly lies in."""
        shifted_QP = _shifted(logits_QP) / np.float32(temperature)
        total_P = np.exp(shifted_QP).sum(axis=0, dtype=np.float64)
        own_P = np.take_along_axis(shifted_QP, true_P[None], axis=0)[0]
        bits = float((np.log(total_P) - own_P).sum() / math.log(2))
        confidence_P = 1 / total_P  # the highest logit is now 0
        # The upper border belongs to a bin.
        bin_P = np.clip(np.ceil(confidence_P * CONFIDENCES).astype(int) - 1, 0, CONFIDENCES - 1)
        right_P = logits_QP.argmax(axis=0) == true_P
        return cls(
            bits,
            np.bincount(bin_P, minlength=CONFIDENCES),
            np.bincount(bin_P[right_P], minlength=CONFIDENCES),
            np.bincount(bin_P, confidence_P, minlength=CONFIDENCES).astype(np.float64),
        )


class DistributionParts:
    """What many photos add, in the order in which they were added."""

    def __init__(self) -> None:
        self.bits = Stack(np.float64)
        self.count_B, self.right_B = (Stack(np.int64, (CONFIDENCES,)) for _ in range(2))
        self.confidence_B = Stack(np.float64, (CONFIDENCES,))


class DistributionTotals:
    """Bits and calibration of distributions at one temperature, added up photo by photo.

    Attributes:
        positions: how many were added.
        right_B, count_B: how often the most likely bin was the true one, by its probability.
        parts: what each photo added.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature
        self.positions = 0
        self.count_B: npt.NDArray[np.int64] = np.zeros(CONFIDENCES, np.int64)
        self.right_B: npt.NDArray[np.int64] = np.zeros(CONFIDENCES, np.int64)
        self._confidence_B: npt.NDArray[np.float64] = np.zeros(CONFIDENCES)
        self.parts = DistributionParts()

    def part(self, logits_QP: FloatArray, true_P: IntArray) -> DistributionPart:
        """What a photo of these logits and true bins adds; nothing is added yet."""
        return DistributionPart.of(logits_QP, true_P, self.temperature)

    def add(self, part: DistributionPart) -> None:
        """Add what a photo adds."""
        for name, value in part._asdict().items():
            getattr(self.parts, name).append(value)
        self.positions += int(part.count_B.sum())
        self.count_B += part.count_B
        self.right_B += part.right_B
        self._confidence_B += part.confidence_B

    def bits(self) -> float:
        """Bits per position: the mean of -log2 p of the true bin; NaN of none."""
        total = math.fsum(self.parts.bits.array().tolist())  # with one rounding
        return total / self.positions if self.positions else math.nan

    def calibration_error(self) -> float:
        """Expected calibration error of the most likely bin, 0 to 1; NaN of none.

        The mean over positions of |accuracy - confidence| of their bin of confidence.
        """
        gap_B = np.abs(self.right_B - self._confidence_B)
        return math.fsum(gap_B.tolist()) / self.positions if self.positions else math.nan

    def reliability(self) -> list[dict[str, float | int | None]]:
        """A row for each bin of confidence, the least confident first; None where it is empty."""
        rows = zip(self.count_B.tolist(), self.right_B, self._confidence_B, strict=True)
        return [
            {
                "count": count,
                "accuracy": float(right / count) if count else None,
                "confidence": float(confidence / count) if count else None,
            }
            for count, right, confidence in rows
        ]


def fitted_temperature(logits_QP: FloatArray, true_P: IntArray) -> float:
    """The temperature at which the true bins take the fewest bits, to four decimals.

    The bits are convex in 1 / T, so that one zero of their slope is the minimum; 0.05 or 20 where
    it would lie beyond.
    """
    shifted_QP = _shifted(logits_QP)
    own = float(np.take_along_axis(shifted_QP, true_P[None], axis=0).mean(dtype=np.float64))

    def slope(sharpness: float) -> float:
        weight_QP = np.exp(shifted_QP * np.float32(sharpness))
        total_P = weight_QP.sum(axis=0, dtype=np.float64)
        weight_QP *= shifted_QP
        return mean((weight_QP.sum(axis=0, dtype=np.float64) / total_P).tolist()) - own

    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    if slope(1 / LOWEST) <= 0:
        return LOWEST
    from scipy.optimize import brentq  # slow to import, and most who import this file fit nothing

    return round(1 / float(brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-7)), 4)


def prior_bits(prior_Q: FloatArray, count_Q: IntArray) -> float:
    """Bits per position of a prior alone, for positions counted by their true bin; NaN of none.

    Args:
        prior_Q: sum 1, none of it 0.
    """
    seen_Q = count_Q > 0
    total = int(count_Q.sum())
    parts = count_Q[seen_Q] * -np.log2(np.asarray(prior_Q, np.float64)[seen_Q])
    return math.fsum(parts.tolist()) / total if total else math.nan


def _shifted(logits_QP: FloatArray) -> FloatArray:
    """The highest of each position at 0."""
    lower: FloatArray = logits_QP - logits_QP.max(axis=0)
    return np.maximum(lower, np.asarray(_LOWEST_LOGIT, lower.dtype))
