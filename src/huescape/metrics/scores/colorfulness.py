"""Colorfulness, of the prediction and of the photo."""

from __future__ import annotations

import math

from huescape.metrics.colorfulness import colorfulness
from huescape.metrics.photo import FloatArray, PhotoScore, Truth
from huescape.metrics.pictures import Picture
from huescape.metrics.score import Score
from huescape.metrics.totals import Rules, Totals, mean


class Colorfulness(Score):
    """See `metrics.colorfulness`.

    `delta_colorfulness` is the difference |mean of the predictions - mean of the photos|,
    `delta_colorfulness_photos` the mean of the photos' own differences.
    """

    label, place, digits, best = "Colorfulness", 8, 1, "truth"
    headline = True
    sentence = (
        "How vivid the pictures look (Hasler & Süsstrunk 2003); best is not the largest value "
        "but the one closest to the true photos."
    )
    columns = ("colorfulness", "true_colorfulness")

    def measure(self, true: Truth, ab_HW2: FloatArray, rgb_HW3: Picture) -> float:
        """Of the prediction."""
        return colorfulness(rgb_HW3)

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """Of both."""
        predicted = score.measured["colorfulness"]
        return {"colorfulness": predicted, "true_colorfulness": score.true_colorfulness}

    def total(self, totals: Totals) -> dict[str, float]:
        """The means over the photos."""
        columns = (totals.photos.column(name) for name in ("colorfulness", "true_colorfulness"))
        finite = ((v if math.isfinite(v) else 0.0 for v in column) for column in columns)
        pairs = list(zip(*finite, strict=True))
        predicted, true = mean([p for p, _ in pairs]), mean([t for _, t in pairs])
        return {
            "colorfulness": predicted,
            "delta_colorfulness": abs(predicted - true),
            "delta_colorfulness_photos": mean([abs(p - t) for p, t in pairs]),
        }
