"""The scores of a test set as one writes them: a loop over photos and predictions.

No benchmark of its own. scikit-image converts and compares pictures, SciPy's k-d tree finds bins,
NumPy counts pixels: in a histogram of the distances, or slower, with a mask at each threshold. It
knows nothing of the project's own scoring.

Shape suffixes: H rows, W columns, N pixels, Q bins, T thresholds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
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
# From the distance and the true bin of each pixel: how many of each bin lie within t = 0..150.
Count = Callable[[Array, Array, int], Array]


def by_histogram(distance_N: Array, bin_N: Array, bins: int) -> Array:
    """(T, Q) counts from one histogram of the distances, rounded up, in each bin."""
    column_N = np.minimum(np.ceil(distance_N), LAST + 1).astype(np.intp)
    table = np.bincount(bin_N * (LAST + 2) + column_N, minlength=bins * (LAST + 2))
    return np.asarray(table.reshape(bins, LAST + 2).cumsum(axis=1)[:, :-1].T)


def by_masks(distance_N: Array, bin_N: Array, bins: int) -> Array:
    """The same (T, Q) counts with a mask of the pixels at each threshold."""
    within = [np.bincount(bin_N[distance_N <= t], minlength=bins) for t in range(LAST + 1)]
    return np.stack(within)


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


def score(
    tasks: Sequence[Task], reference: Reference, macro_pixels: int, count: Count = by_histogram
) -> dict[str, dict[str, float | None]]:
    """All scores of each prediction, by its name; None where one is infinite or undefined."""
    tree, bins = cKDTree(reference.centers_Q2), len(reference.centers_Q2)
    counts: dict[str, Counts] = {}
    for task in tasks:
        lab_HW3 = rgb2lab(task.rgb_HW3)
        true_N2 = lab_HW3[..., 1:].reshape(-1, 2)
        bin_N = tree.query(true_N2)[1]
        true_colorfulness = _colorfulness(task.rgb_HW3)
        for name, ab_HW2 in _predictions(task, lab_HW3, reference):
            found = counts.setdefault(name, Counts(bins))
            predicted_N2 = ab_HW2.reshape(-1, 2)
            within_TQ = count(np.linalg.norm(predicted_N2 - true_N2, axis=1), bin_N, bins)
            row = {"true_colorfulness": true_colorfulness}
            row |= _count_bins(found, within_TQ, bin_N, tree.query(predicted_N2)[1], reference)
            row |= _compare_pictures(found, task.rgb_HW3, _picture(lab_HW3[..., 0], ab_HW2))
            found.photos.append(row)
    return {name: _scores(found, reference, macro_pixels) for name, found in counts.items()}


def _predictions(task: Task, lab_HW3: Array, reference: Reference) -> Iterator[tuple[str, Array]]:
    yield from task.chroma.items()
    prior_Q, centers_Q2 = reference.empirical_Q, reference.centers_Q2
    mean = (prior_Q[:, None] * centers_Q2).sum(axis=0) / prior_Q.sum()
    for name, color in (
        ("gray", np.zeros(2)),
        ("prior_mean", mean),
        ("prior_mode", centers_Q2[prior_Q.argmax()]),
    ):
        yield name, np.tile(color, (*lab_HW3.shape[:2], 1))
    yield "random_photo", rgb2lab(task.donor_HW3)[..., 1:]
    mean = lab_HW3[..., 1:].mean(axis=(0, 1))
    yield "oracle_mean", np.tile(mean, (*lab_HW3.shape[:2], 1))
    yield "ground_truth", lab_HW3[..., 1:]


def _count_bins(
    found: Counts, within_TQ: Array, bin_N: Array, predicted_N: Array, reference: Reference
) -> dict[str, float]:
    """Add the pixels of a photo, and return its own AuC, plain and rebalanced."""
    pixels_Q = np.bincount(bin_N, minlength=found.bins)
    found.within_TQ += within_TQ
    found.pixels_Q += pixels_Q
    found.hits_Q += np.bincount(bin_N[predicted_N == bin_N], minlength=found.bins)
    return _aucs(within_TQ, pixels_Q, reference.weight_Q)


def _picture(lightness_HW: Array, ab_HW2: Array) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about colors outside the gamut
        rgb_HW3 = lab2rgb(np.concatenate([lightness_HW[..., None], ab_HW2], axis=-1))
    return np.asarray(np.rint(rgb_HW3 * 255).astype(np.uint8))


def _compare_pictures(found: Counts, true_HW3: Array, picture_HW3: Array) -> dict[str, float]:
    """Add the squared error of a picture, and return its other scores."""
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
    if error:
        row["psnr"] = peak_signal_noise_ratio(true_HW3, picture_HW3, data_range=255)
    return row


def _colorfulness(rgb_HW3: Array) -> float:
    red, green, blue = np.moveaxis(rgb_HW3.astype(float), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = np.sqrt(rg.std() ** 2 + yb.std() ** 2)
    return float(spread + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2))


def _aucs(within_TQ: Array, pixels_Q: Array, weight_Q: Array) -> dict[str, float]:
    """AuC of all pixels alike, and with each weighted by its true bin where any has a weight."""
    aucs = {"auc": _auc(within_TQ.sum(axis=1) / pixels_Q.sum())}
    whole = (pixels_Q * weight_Q).sum()
    if whole > 0:
        aucs["auc_rebalanced"] = _auc((within_TQ * weight_Q).sum(axis=1) / whole)
    return aucs


def _auc(share_T: Array) -> float:
    return float(np.trapezoid(share_T) / LAST)


def _scores(found: Counts, reference: Reference, macro_pixels: int) -> dict[str, float | None]:
    within_TQ, pixels_Q, rows = found.within_TQ, found.pixels_Q, found.photos
    aucs = _aucs(within_TQ, pixels_Q, reference.weight_Q)
    seen, often = pixels_Q > 0, np.flatnonzero(pixels_Q >= macro_pixels)
    error = np.mean(found.errors)
    colorfulness, true = _mean(rows, "colorfulness"), _mean(rows, "true_colorfulness")
    apart = [abs(row["colorfulness"] - row["true_colorfulness"]) for row in rows]
    scores = {
        "auc": aucs["auc"],
        "auc_photo_mean": _mean(rows, "auc"),
        "auc_rebalanced": aucs.get("auc_rebalanced", np.nan),
        "auc_rebalanced_photo_mean": _mean(rows, "auc_rebalanced"),
        "auc_macro": np.mean([_auc(within_TQ[:, q] / pixels_Q[q]) for q in often] or [np.nan]),
        "bin_accuracy": found.hits_Q.sum() / pixels_Q.sum(),
        "bin_accuracy_balanced": (found.hits_Q[seen] / pixels_Q[seen]).mean(),
        "psnr": 10 * np.log10(255**2 / error) if error else np.nan,
        "psnr_photo_mean": _mean(rows, "psnr"),
        "ssim": _mean(rows, "ssim"),
        "colorfulness": colorfulness,
        "delta_colorfulness": abs(colorfulness - true),
        "delta_colorfulness_photos": np.mean(apart),
    }
    return {key: float(value) if np.isfinite(value) else None for key, value in scores.items()}


def _mean(rows: Sequence[dict[str, float]], key: str) -> float:
    """Over the photos where it is defined."""
    return float(np.mean([row[key] for row in rows if key in row] or [np.nan]))
