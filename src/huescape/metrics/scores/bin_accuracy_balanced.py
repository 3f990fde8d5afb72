"""Bin accuracy inside each bin of true color."""

from __future__ import annotations

import numpy as np

from huescape.metrics import accuracy, auc
from huescape.metrics.photo import FloatArray, PhotoScore
from huescape.metrics.photo_sums import Sums
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals


class BinAccuracyBalanced(Score):
    """Mean over bins; no score of one photo, which shows too few of them."""

    label, place, columns = "Balanced accuracy", 5, ()
    sentence = (
        "The bin accuracy inside each bin of true color, averaged over the bins, so that the "
        "common grays do not decide it alone."
    )

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """Nothing."""
        return {}

    def total(self, totals: Totals) -> dict[str, float]:
        """The mean over the bins that occur at all."""
        balanced = accuracy.balanced_accuracy(totals.hits_Q, totals.auc.pixels())
        return {"bin_accuracy_balanced": balanced}

    def of_sums(self, sums: Sums) -> FloatArray:
        """The mean over the bins that the drawn photos show."""
        shares_RQ = auc.ratio(sums.hits_RQ, sums.pixels_RQ)
        seen_RQ = sums.pixels_RQ > 0
        return auc.ratio(np.where(seen_RQ, shares_RQ, 0).sum(axis=1), seen_RQ.sum(axis=1))
