"""The scores of many photos, added up photo by photo.

Pooled scores treat all pixels of all photos as one picture; means over photos count every photo
once. Sums of pixels are integers, so they do not depend on the order of the photos.

Shape suffixes: Q scoring bins, D distances (see `auc`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics import accuracy, auc
from huescape.metrics.photo import PhotoScore
from huescape.metrics.pictures import psnr

FloatArray = npt.NDArray[np.floating[Any]]
# Numbers by name; None where a score is infinite (PSNR without error) or undefined.
Scores = dict[str, float | None]


@dataclass(frozen=True)
class Rules:
    """What the scores need to know beside the pixels.

    Attributes:
        weight_Q: weight of each true bin in the rebalanced score.
        macro_pixels, macro_photos: what a bin needs to count in the macro score.
    """

    weight_Q: FloatArray
    macro_pixels: int
    macro_photos: int


class Totals:
    """The totals of one prediction (a system at a temperature, or a baseline) over photos."""

    def __init__(self, rules: Rules) -> None:
        bins = len(rules.weight_Q)
        self._rules = rules
        self._auc = auc.AucAccumulator(bins)
        self._hits_Q: npt.NDArray[np.int64] = np.zeros(bins, np.int64)
        self._error = self._values = 0
        self.photos: list[Scores] = []

    def add(self, score: PhotoScore) -> None:
        """Add one photo; its own scores are kept in `photos`."""
        self._auc.add(score.table_QD)
        self._hits_Q += score.hits_Q
        self._error += score.error
        self._values += score.values
        pixels_Q = score.table_QD.sum(axis=1)
        row = {
            "auc": auc.auc(score.table_QD),
            "auc_rebalanced": auc.weighted_auc(score.table_QD, self._rules.weight_Q),
            "bin_accuracy": accuracy.accuracy(score.hits_Q, pixels_Q),
            "psnr": psnr(score.error, score.values),
            "ssim": score.ssim,
            "colorfulness": score.colorfulness,
            "true_colorfulness": score.true_colorfulness,
        }
        self.photos.append({"pixels": int(pixels_Q.sum())} | finite(row))

    def scores(self) -> Scores:
        """The scores of all photos so far.

        `auc`, `auc_rebalanced`, `bin_accuracy`, `bin_accuracy_balanced` and `psnr` are pooled over
        pixels; `auc_macro` is the mean over bins; `*_photo_mean`, `ssim` and `colorfulness` are
        means over the photos where they are defined. `delta_colorfulness` is the difference
        |mean of the predictions - mean of the photos|, `delta_colorfulness_photos` the mean of the
        photos' own differences.
        """
        rules, table_QD = self._rules, self._auc.table_QD
        pixels_Q = self._auc.pixels()
        return finite(
            {
                "auc": auc.auc(table_QD),
                "auc_photo_mean": self._mean("auc"),
                "auc_rebalanced": auc.weighted_auc(table_QD, rules.weight_Q),
                "auc_rebalanced_photo_mean": self._mean("auc_rebalanced"),
                "auc_macro": self._auc.macro_auc(rules.macro_pixels, rules.macro_photos),
                "bin_accuracy": accuracy.accuracy(self._hits_Q, pixels_Q),
                "bin_accuracy_balanced": accuracy.balanced_accuracy(self._hits_Q, pixels_Q),
                "psnr": psnr(self._error, self._values) if self._values else math.nan,
                "psnr_photo_mean": self._mean("psnr"),
                "ssim": self._mean("ssim"),
                **self._colorfulness(),
            }
        )

    def coverage(self) -> dict[str, int | float]:
        """What the photos are, the same for every prediction of them.

        `photos`, `pixels`; `macro_bins`: bins that the macro score rests on; `effective_pixels`:
        how many equally weighted pixels carry the rebalanced score; `unweighted_pixels`: pixels in
        bins that the prior has never seen, which no rebalanced score counts.
        """
        rules, pixels_Q = self._rules, self._auc.pixels()
        return {
            "photos": len(self.photos),
            "pixels": int(pixels_Q.sum()),
            "macro_bins": len(self._auc.macro_bins(rules.macro_pixels, rules.macro_photos)),
            "effective_pixels": auc.effective_number(pixels_Q, rules.weight_Q),
            "unweighted_pixels": int(pixels_Q[np.asarray(rules.weight_Q) == 0].sum()),
        }

    def curve(self) -> npt.NDArray[np.float64]:
        """Share of pixels within t = 0..150, pooled, (151,)."""
        return auc.curve(self._auc.table_QD.sum(axis=0))

    def macro_curve(self) -> npt.NDArray[np.float64]:
        """The same inside each bin, averaged over the bins of the macro score, (151,)."""
        return self._auc.macro_curve(self._rules.macro_pixels, self._rules.macro_photos)

    def _colorfulness(self) -> dict[str, float]:
        pairs = [
            (float(row["colorfulness"] or 0), float(row["true_colorfulness"] or 0))
            for row in self.photos
        ]
        predicted, true = _mean([p for p, _ in pairs]), _mean([t for _, t in pairs])
        return {
            "colorfulness": predicted,
            "delta_colorfulness": abs(predicted - true),
            "delta_colorfulness_photos": _mean([abs(p - t) for p, t in pairs]),
        }

    def _mean(self, key: str) -> float:
        return _mean([value for row in self.photos if (value := row[key]) is not None])


def finite(scores: dict[str, float]) -> Scores:
    """The scores with None for NaN and infinity, which JSON does not have."""
    return {key: value if math.isfinite(value) else None for key, value in scores.items()}


def _mean(values: Sequence[float]) -> float:
    """Mean with one rounding; NaN of nothing."""
    return math.fsum(values) / len(values) if values else math.nan
