"""AuC inside each bin of true color."""

from __future__ import annotations

from huescape.metrics.photo import PhotoScore
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
