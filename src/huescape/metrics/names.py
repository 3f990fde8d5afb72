"""What the baselines are called, in files and on the page, and when a score means little."""

from __future__ import annotations

from typing import NamedTuple


class Baseline(NamedTuple):
    """What a row of a table is called, and what it stands for."""

    label: str
    note: str


TRUTH = "ground_truth"
#: What has seen the truth, like the truth itself, is never called the best of a column.
ORACLE = "oracle_mean"
#: By the names that the evaluation gives them, in the order of every table.
BASELINES = {
    "gray": Baseline("Gray", "no color at all"),
    "prior_mean": Baseline("Mean color", "the prior's mean, everywhere"),
    "prior_mode": Baseline("Most frequent color", "the prior's peak, everywhere"),
    "random_photo": Baseline("Colors of a random photo", "of the training split"),
    ORACLE: Baseline("Oracle: mean color", "each photo's own true mean, everywhere"),
    TRUTH: Baseline("Ground truth", "the true colors: the limit"),
}
#: Below so many effective pixels a few rare ones decide the rebalanced score.
FEW_PIXELS = 100_000
