"""The bootstrap over photos: how much a score would differ with other photos of the same kind.

Photos are drawn with replacement, as many as there are; every system and every score sees the same
draws, so that the difference of two systems is that on the same photos (a paired bootstrap). See
Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13. A photo stays whole:
its pixels are not independent of each other. What is trained stays as it is.

Shape suffixes: N photos, R resamplings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import METRICS

FloatArray = npt.NDArray[np.floating[Any]]

CONFIDENCE = 0.95
#: With this many, the ends of an interval move by about 3 % of its width from seed to seed.
RESAMPLES = 4_999
SEED = 0
_BLOCK = 500  # resamplings at a time: the memory does not grow with their number


def draws(photos: int, count: int = RESAMPLES) -> Iterator[npt.NDArray[np.int64]]:
    """How often each photo is drawn, (up to 500, N) int64 at a time; always the same draws."""
    generator = np.random.default_rng(SEED)
    for start in range(0, count, _BLOCK):
        rows = min(_BLOCK, count - start)
        picked_RN = generator.integers(0, photos, (rows, photos))
        picked_RN += np.arange(rows)[:, None] * photos
        yield np.bincount(picked_RN.ravel(), minlength=rows * photos).reshape(rows, photos)


def resampled(photos: PhotoSums, prediction: str) -> dict[str, npt.NDArray[np.float64]]:
    """Each score of a prediction on every resampling, (R,), by the score's key.

    Scores that are not kept photo by photo are left out.
    """
    found: dict[str, list[FloatArray]] = {}
    for times_RN in draws(len(photos.ids_N)):
        sums = photos.sums(prediction, times_RN)
        for metric in METRICS:
            if (values_R := metric.of_sums(sums)) is not None:
                found.setdefault(metric.key, []).append(values_R)
    return {key: np.concatenate(blocks) for key, blocks in found.items()}


def interval(values_R: FloatArray) -> tuple[float, float]:
    """The 95 % percentile interval of a score's, or a difference's, resampled values."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(values_R, (tail, 100 - tail))
    return float(low), float(high)
