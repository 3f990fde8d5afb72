"""The scores by name, each explained in one sentence to a newcomer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A score: `best` is the largest value (`high`) or the one closest to the truth's (`truth`)."""

    key: str
    label: str
    digits: int
    best: Literal["high", "truth"]
    sentence: str


METRICS = (
    Metric(
        "auc",
        "AuC",
        3,
        "high",
        "The share of pixels whose color lies within a distance t of the true one, averaged over "
        "all t from 0 to 150 units of Lab a, b; 1 is perfect, and because most pixels of a "
        "landscape are dull, even a gray picture scores high.",
    ),
    Metric(
        "auc_macro",
        "Macro AuC",
        3,
        "high",
        "The AuC inside each bin of true color that the test photos show often enough, averaged "
        "over those bins, so that a sunset counts as much as all the haze; the one to compare by "
        "on a small test set.",
    ),
    Metric(
        "auc_rebalanced",
        "Rebalanced AuC",
        3,
        "high",
        "The AuC with every pixel weighted by how rare its true color is in the training photos, "
        "as published by Zhang et al. (2016); it needs a large test set, because a few rare "
        "pixels can carry nearly all the weight.",
    ),
    Metric(
        "bin_accuracy",
        "Bin accuracy",
        3,
        "high",
        "The share of pixels whose predicted color falls into the same bin of the Lab a, b plane "
        "as the true one; the bins are the same for every system.",
    ),
    Metric(
        "bin_accuracy_balanced",
        "Balanced accuracy",
        3,
        "high",
        "The bin accuracy inside each bin of true color, averaged over the bins, so that the "
        "common grays do not decide it alone.",
    ),
    Metric(
        "psnr",
        "PSNR (dB)",
        2,
        "high",
        "How small the squared error of the RGB picture is, in decibels; it rewards caution, so "
        "gray does well, and a bold color in the wrong place costs much.",
    ),
    Metric(
        "ssim",
        "SSIM",
        3,
        "high",
        "How alike the local structure of the two pictures is; every row keeps the true "
        "lightness, so gray is close to 1, and speckled or misplaced colors lower it.",
    ),
    Metric(
        "colorfulness",
        "Colorfulness",
        1,
        "truth",
        "How vivid the pictures look (Hasler & Süsstrunk 2003); best is not the largest value "
        "but the one closest to the true photos.",
    ),
)
