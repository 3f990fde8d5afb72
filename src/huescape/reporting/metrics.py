"""The scores and the baselines by name, as the page shows them."""

from __future__ import annotations

from huescape.metrics.scores import METRICS
from huescape.metrics.scores import Score as Metric

__all__ = ["BASELINES", "BASELINE_NOTES", "METRICS", "TRUTH", "Metric"]

TRUTH = "ground_truth"
BASELINES = {
    "grey": "Gray",
    "gray": "Gray",
    "prior_mean": "Mean color",
    "prior_mode": "Most frequent color",
    "random_photo": "Colors of a random photo",
    TRUTH: "Ground truth",
}
BASELINE_NOTES = {
    "grey": "no color at all",
    "gray": "no color at all",
    "prior_mean": "the prior's mean, everywhere",
    "prior_mode": "the prior's peak, everywhere",
    "random_photo": "of the training split",
    TRUTH: "the true colors: the limit",
}
