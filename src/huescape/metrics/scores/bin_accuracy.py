"""Top-1 bin accuracy."""

from __future__ import annotations

from huescape.metrics import accuracy, auc
from huescape.metrics.photo import FloatArray, PhotoScore
from huescape.metrics.photo_sums import Sums
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals


class BinAccuracy(Score):
    """See `metrics.accuracy`."""

    label, place = "Bin accuracy", 4
    headline = True
    sentence = (
        "The share of pixels whose predicted color falls into the same bin of the Lab a, b plane "
        "as the true one; the bins are the same for every system."
    )

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """The pixels of the photo."""
        pixels_Q = score.table_QD.sum(axis=1)
        return {"bin_accuracy": accuracy.accuracy(score.hits_Q, pixels_Q)}

    def total(self, totals: Totals) -> dict[str, float]:
        """Pooled over the pixels."""
        return {"bin_accuracy": accuracy.accuracy(totals.hits_Q, totals.auc.pixels())}

    def of_sums(self, sums: Sums) -> FloatArray:
        """Pooled over the pixels."""
        return auc.ratio(sums.hits_RQ.sum(axis=1), sums.pixels_RQ.sum(axis=1))
