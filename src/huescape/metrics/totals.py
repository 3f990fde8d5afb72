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

from huescape.metrics import auc
from huescape.metrics.hue import SECTORS, SUMS
from huescape.metrics.kept import Rows, Stack
from huescape.metrics.photo import PhotoScore
from huescape.metrics.photo_parts import PhotoPart, PhotoParts
from huescape.metrics.score import Score

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
    """The totals of one prediction (a system by a decoding, or a baseline) over photos.

    Attributes:
        auc, hits_Q, error, values: sums of what `PhotoScore` holds.
        photos: the scores of each photo, by column.
        parts: what each photo adds to scores of resampled photos.
        hues: what each photo adds to the shifts of hue (`metrics.hue`); empty unless `has_hues`.
    """

    def __init__(self, rules: Rules, has_hues: bool = True) -> None:
        bins = len(rules.weight_Q)
        self.rules = rules
        self.auc = auc.AucAccumulator(bins)
        self.hits_Q: npt.NDArray[np.int64] = np.zeros(bins, np.int64)
        self.error = self.values = 0
        self.photos = Rows("pixels")
        self.parts = PhotoParts()
        self.hues = Stack(np.int64, (SECTORS, len(SUMS)))
        self._has_hues = has_hues

    def add(self, score: PhotoScore) -> None:
        """Add one photo; its own scores are kept in `photos`."""
        self.auc.add(score.table_QD)
        self.hits_Q += score.hits_Q
        self.error += score.error
        self.values += score.values
        counted = score.table_QD, score.hits_Q, score.error
        self.parts.append(PhotoPart.of(*counted, score.measured))
        if self._has_hues:
            self.hues.append(score.hue_SK)
        row: dict[str, float] = {"lightness": score.lightness}
        for metric in _metrics():
            row |= metric.photo(score, self.rules)
        self.photos.append({"pixels": int(score.table_QD.sum())} | row)

    def scores(self) -> Scores:
        """What every score says of all photos so far; see `metrics.scores`."""
        found: dict[str, float] = {}
        for metric in _metrics():
            found |= metric.total(self)
        return finite(found)

    def mean(self, column: str) -> float:
        """Mean of a photo's score over the photos where it is defined."""
        return mean([value for value in self.photos.column(column) if math.isfinite(value)])

    def coverage(self) -> dict[str, int | float]:
        """What the photos are, the same for every prediction of them.

        `photos`, `pixels`; `macro_bins`: bins that the macro score rests on; `effective_pixels`:
        how many equally weighted pixels carry the rebalanced score; `unweighted_pixels`: pixels in
        bins that the prior has never seen, which no rebalanced score counts.
        """
        rules, pixels_Q = self.rules, self.auc.pixels()
        return {
            "photos": len(self.photos),
            "pixels": int(pixels_Q.sum()),
            "macro_bins": len(self.auc.macro_bins(rules.macro_pixels, rules.macro_photos)),
            "effective_pixels": auc.effective_number(pixels_Q, rules.weight_Q),
            "unweighted_pixels": int(pixels_Q[np.asarray(rules.weight_Q) == 0].sum()),
        }

    def curve(self) -> npt.NDArray[np.float64]:
        """Share of pixels within t = 0..150, pooled, (151,)."""
        return auc.curve(self.auc.table_QD.sum(axis=0))

    def macro_curve(self) -> npt.NDArray[np.float64]:
        """The same inside each bin, averaged over the bins of the macro score, (151,)."""
        return self.auc.macro_curve(self.rules.macro_pixels, self.rules.macro_photos)


def _metrics() -> Sequence[Score]:
    from huescape.metrics.scores import METRICS  # each of them looks at what is defined here

    return METRICS


def finite(scores: dict[str, float]) -> Scores:
    """The scores with None for NaN and infinity, which JSON does not have."""
    return {key: value if math.isfinite(value) else None for key, value in scores.items()}


def mean(values: Sequence[float]) -> float:
    """Mean with one rounding; NaN of nothing."""
    return math.fsum(values) / len(values) if values else math.nan
