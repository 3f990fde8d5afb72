"""AuC inside each bin of true color."""

from __future__ import annotations

import numpy as np

from huescape.metrics import auc
from huescape.metrics.photo import FloatArray, PhotoScore
from huescape.metrics.photo_sums import Sums
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals


class AucMacro(Score):
    """Mean over bins; no score of one photo, which shows too few of them."""

    label, place, columns = "Macro AuC", 2, ()
    headline = True
    sentence = (
        "The AuC inside each bin of true color that the test photos show often enough, averaged "
        "over those bins, so that a sunset counts as much as all the haze; the one to compare by "
        "on a small test set."
    )

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """Nothing."""
        return {}

    def total(self, totals: Totals) -> dict[str, float]:
        """The mean over the bins that the photos show often enough."""
        rules = totals.rules
        return {"auc_macro": totals.auc.macro_auc(rules.macro_pixels, rules.macro_photos)}

    def of_sums(self, sums: Sums) -> FloatArray:
        """The mean over the bins that all photos together show often enough.

        They stay the same in every resampling; one in which none of a bin's photos was drawn
        leaves that bin out.
        """
        pixels_RB = sums.pixels_RQ[:, sums.macro_B]
        inside_RB = auc.ratio(sums.units_RQ[:, sums.macro_B], pixels_RB * auc.UNITS)
        seen_RB = pixels_RB > 0
        return auc.ratio(np.where(seen_RB, inside_RB, 0).sum(axis=1), seen_RB.sum(axis=1))
