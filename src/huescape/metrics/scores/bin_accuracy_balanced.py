"""Bin accuracy inside each bin of true color."""

from __future__ import annotations

from huescape.metrics import accuracy
from huescape.metrics.photo import PhotoScore
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
