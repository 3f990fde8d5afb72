"""AuC, each pixel weighted by its true bin."""

from __future__ import annotations

from huescape.metrics import auc
from huescape.metrics.photo import FloatArray, PhotoScore
from huescape.metrics.photo_sums import Sums
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals


class AucRebalanced(Score):
    """See `metrics.auc`; `auc_rebalanced_photo_mean` counts every photo once."""

    label, place = "Rebalanced AuC", 3
    headline = True
    sentence = (
        "The AuC with every pixel weighted by how rare its true color is in the training photos, "
        "as published by Zhang et al. (2016); it needs a large test set, because a few rare "
        "pixels can carry nearly all the weight."
    )

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """The pixels of the photo."""
        return {"auc_rebalanced": auc.weighted_auc(score.table_QD, rules.weight_Q)}

    def total(self, totals: Totals) -> dict[str, float]:
        """Pooled over the pixels, and the mean over the photos."""
        pooled = auc.weighted_auc(totals.auc.table_QD, totals.rules.weight_Q)
        mean = totals.mean("auc_rebalanced")
        return {"auc_rebalanced": pooled, "auc_rebalanced_photo_mean": mean}

    def of_sums(self, sums: Sums) -> FloatArray:
        """Pooled over the pixels."""
        weight_Q = auc.scaled(sums.weight_Q)
        carried_R = (sums.pixels_RQ * weight_Q).sum(axis=1) * auc.UNITS
        return auc.ratio((sums.units_RQ * weight_Q).sum(axis=1), carried_R)
