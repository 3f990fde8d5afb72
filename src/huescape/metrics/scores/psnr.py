"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math

import numpy as np

from huescape.metrics.photo import FloatArray, PhotoScore
from huescape.metrics.photo_sums import Sums
from huescape.metrics.pictures import psnr
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals


class Psnr(Score):
    """See `metrics.pictures`; `psnr_photo_mean` counts every photo once."""

    label, place, digits = "PSNR (dB)", 6, 2
    headline = True
    sentence = (
        "How small the squared error of the RGB picture is, in decibels; it rewards caution, so "
        "gray does well, and a bold color in the wrong place costs much."
    )

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """Of the photo's own error."""
        return {"psnr": psnr(score.error, score.values)}

    def total(self, totals: Totals) -> dict[str, float]:
        """Pooled over all values, and the mean over the photos where it is finite."""
        pooled = psnr(totals.error, totals.values) if totals.values else math.nan
        return {"psnr": pooled, "psnr_photo_mean": totals.mean("psnr")}

    def of_sums(self, sums: Sums) -> FloatArray:
        """Pooled over all values; NaN without an error."""
        values_R = 3 * sums.pixels_RQ.sum(axis=1)
        known_R = np.where(sums.error_R > 0, sums.error_R, np.nan)
        return np.asarray(10 * np.log10(255**2 * values_R / known_R))
