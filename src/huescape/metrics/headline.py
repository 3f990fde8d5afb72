"""The scores that stand for a system where there is room for ten: `dvc metrics`, MLflow's runs."""

from __future__ import annotations

HEADLINE = (
    *("auc", "auc_macro", "auc_rebalanced", "bin_accuracy", "psnr", "ssim"),
    *("colorfulness", "delta_colorfulness", "photos", "temperature"),
)
