"""AuC, all pixels alike."""

from __future__ import annotations

from huescape.metrics import auc
from huescape.metrics.photo import FloatArray, PhotoScore
from huescape.metrics.photo_sums import Sums
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals


class Auc(Score):
    """See `metrics.auc`; `auc_photo_mean` counts every photo once."""

    label, place = "AuC", 1
    headline = True
    sentence = (
        "The share of pixels whose color lies within a distance t of the true one, averaged over "
        "all t from 0 to 150 units of Lab a, b; 1 is perfect, and because most pixels of a "
        "landscape are dull, even a gray picture scores high."
    )

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """The pixels of the photo."""
        return {"auc": auc.auc(score.table_QD)}

    def total(self, totals: Totals) -> dict[str, float]:
        """Pooled over the pixels, and the mean over the photos."""
        return {"auc": auc.auc(totals.auc.table_QD), "auc_photo_mean": totals.mean("auc")}

    def of_sums(self, sums: Sums) -> FloatArray:
        """Pooled over the pixels."""
        return auc.ratio(sums.units_RQ.sum(axis=1), sums.pixels_RQ.sum(axis=1) * auc.UNITS)
