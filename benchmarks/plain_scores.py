"""The scores of a test set as one writes them: a loop over photos, predictions and thresholds.

No benchmark of its own. scikit-image converts and compares pictures, SciPy's k-d tree finds bins,
NumPy masks count pixels; it knows nothing of the project's own scoring.

Shape suffixes: H rows, W columns, N pixels, Q bins, T thresholds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from skimage.color import lab2rgb, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from huescape.evaluation.scoring import Reference, Task

Array = npt.NDArray[Any]
LAST = 150


@dataclass
class Counts:
    """What is added up over the photos for one prediction."""

    bins: int
    within_TQ: Array = field(init=False)
    pixels_Q: Array = field(init=False)
    hits_Q: Array = field(init=False)
    photos: list[dict[str, float]] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.within_TQ = np.zeros((LAST + 1, self.bins))
        self.pixels_Q, self.hits_Q = np.zeros(self.bins), np.zeros(self.bins)


def score(tasks: Sequence[Task], reference: Reference, macro_pixels: int) -> dict[str, Any]:
    """All scores of each prediction, by its name."""
    tree = cKDTree(reference.centers_Q2)
    counts: dict[str, Counts] = {}
    for task in tasks:
        lab_HW3 = rgb2lab(task.rgb_HW3)
        true_N2 = lab_HW3[..., 1:].reshape(-1, 2)
        bin_N = tree.query(true_N2)[1]
        for name, ab_HW2 in _predictions(task, lab_HW3, reference):
            found = counts.setdefault(name, Counts(len(reference.centers_Q2)))
            predicted_N2 = ab_HW2.reshape(-1, 2)
            distance_N = np.linalg.norm(predicted_N2 - true_N2, axis=1)
            _count_bins(found, distance_N, bin_N, tree.query(predicted_N2)[1])
            picture = _picture(lab_HW3[..., 0], ab_HW2)
            _compare_pictures(found, task.rgb_HW3, picture)
            found.photos[-1]["auc"] = _auc((distance_N <= t).mean() for t in range(LAST + 1))
    return {name: _scores(found, reference, macro_pixels) for name, found in counts.items()}


def _predictions(task: Task, lab_HW3: Array, reference: Reference) -> Iterator[tuple[str, Array]]:
    yield from task.chroma.items()
    prior_Q, centers_Q2 = reference.empirical_Q, reference.centers_Q2
    mean = (prior_Q[:, None] * centers_Q2).sum(axis=0) / prior_Q.sum()
    for name, color in (
        ("grey", np.zeros(2)),
        ("prior_mean", mean),
        ("prior_mode", centers_Q2[prior_Q.argmax()]),
    ):
        yield name, np.tile(color, (*lab_HW3.shape[:2], 1))
    yield "random_photo", rgb2lab(task.donor_HW3)[..., 1:]
    yield "ground_truth", lab_HW3[..., 1:]


def _count_bins(found: Counts, distance_N: Array, bin_N: Array, predicted_N: Array) -> None:
    for t in range(LAST + 1):
        found.within_TQ[t] += np.bincount(bin_N[distance_N <= t], minlength=found.bins)
    found.pixels_Q += np.bincount(bin_N, minlength=found.bins)
    found.hits_Q += np.bincount(bin_N[predicted_N == bin_N], minlength=found.bins)


def _picture(lightness_HW: Array, ab_HW2: Array) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about colors outside the gamut
        rgb_HW3 = lab2rgb(np.concatenate([lightness_HW[..., None], ab_HW2], axis=-1))
    return np.asarray(np.rint(rgb_HW3 * 255).astype(np.uint8))


def _compare_pictures(found: Counts, true_HW3: Array, picture_HW3: Array) -> None:
    error = np.mean((true_HW3.astype(float) - picture_HW3) ** 2)
    found.errors.append(error)
    similar = structural_similarity(
        true_HW3,
        picture_HW3,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )
    row = {"ssim": similar, "colorfulness": _colorfulness(picture_HW3)}
    row["true_colorfulness"] = _colorfulness(true_HW3)
    if error:
        row["psnr"] = peak_signal_noise_ratio(true_HW3, picture_HW3, data_range=255)
    found.photos.append(row)


def _colorfulness(rgb_HW3: Array) -> float:
    red, green, blue = np.moveaxis(rgb_HW3.astype(float), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = np.sqrt(rg.std() ** 2 + yb.std() ** 2)
    return float(spread + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2))


def _auc(shares: Any) -> float:
    return float(np.trapezoid(list(shares)) / LAST)


def _scores(found: Counts, reference: Reference, macro_pixels: int) -> dict[str, float | None]:
    within_TQ, pixels_Q = found.within_TQ, found.pixels_Q
    weighted_T = (within_TQ * reference.weight_Q).sum(axis=1)
    seen, often = pixels_Q > 0, pixels_Q >= macro_pixels
    macro = [_auc(within_TQ[:, q] / pixels_Q[q]) for q in np.flatnonzero(often)]
    error = np.mean(found.errors)
    means = {
        key: np.mean([row[key] for row in found.photos if key in row] or [np.nan])
        for key in ("auc", "psnr", "ssim", "colorfulness", "true_colorfulness")
    }
    return {
        "auc": _auc(within_TQ.sum(axis=1) / pixels_Q.sum()),
        "auc_photo_mean": float(means["auc"]),
        "auc_rebalanced": _auc(weighted_T / (pixels_Q * reference.weight_Q).sum()),
        "auc_macro": float(np.mean(macro)),
        "bin_accuracy": float(found.hits_Q.sum() / pixels_Q.sum()),
        "bin_accuracy_balanced": float((found.hits_Q[seen] / pixels_Q[seen]).mean()),
        "psnr": float(10 * np.log10(255**2 / error)) if error else None,
        "psnr_photo_mean": float(means["psnr"]) if error else None,
        "ssim": float(means["ssim"]),
        "colorfulness": float(means["colorfulness"]),
        "delta_colorfulness": float(abs(means["colorfulness"] - means["true_colorfulness"])),
    }
