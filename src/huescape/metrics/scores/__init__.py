"""The scores, one a file, in the order in which they are shown."""

from __future__ import annotations

from huescape.metrics.score import Score
from huescape.params.registry import Registry

__all__ = ["HEADLINE", "METRICS", "Score"]

SCORES: Registry[Score] = Registry(Score, "metrics/scores", "score", given=0)
METRICS: tuple[Score, ...] = tuple(
    sorted((SCORES.find(name)() for name in SCORES.names()), key=lambda score: score.place)
)
#: Keys of an evaluation that stand for a system where there is room for a dozen.
HEADLINE = (
    *(score.key for score in METRICS if score.headline),
    *("delta_colorfulness", "bits_per_pixel", "calibration_error", "photos", "decode"),
)
