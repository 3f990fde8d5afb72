"""The bootstrap over photos: how much a score would differ with other photos of the same kind.

Photos are drawn with replacement, as many as there are; every system and every score sees the same
draws, so that the difference of two systems is that on the same photos (a paired bootstrap). See
Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13. A photo stays whole:
its pixels are not independent of each other. What is trained stays as it is.

Shape suffixes: N photos, R resamplings, Q scoring bins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
# Resamplings at a time, and photos drawn, at most; but so many that what is done anew for each of
# these blocks, which goes through all photos, stays small beside the resamplings themselves.
_BLOCK, _DRAWN, _LEAST = 500, 2_500_000, 64


def draws(photos: int, count: int = RESAMPLES) -> Iterator[npt.NDArray[np.float64]]:
    """How often each photo is drawn, (up to 500, N) at a time; always the same draws."""
    generator = np.random.default_rng(SEED)
    block = min(_BLOCK, max(_LEAST, _DRAWN // photos))
    for start in range(0, count, block):
        times_RN = np.empty((min(block, count - start), photos))
        for times_N in times_RN:
            times_N[:] = np.bincount(generator.integers(0, photos, photos), minlength=photos)
        yield times_RN


def resampled(
    wanted: Sequence[tuple[PhotoSums, str]],
) -> list[dict[str, npt.NDArray[np.float64]]]:
    """Each score of each prediction on every resampling, (R,), by the score's key.

    Predictions of the same photos share what they have in common: the draws and the pixels. Scores
    that are not kept photo by photo are left out.
    """
    found: list[dict[str, list[FloatArray]]] = [{} for _ in wanted]
    for places in _same_photos([photos for photos, _ in wanted]):
        shared, _ = wanted[places[0]]
        for times_RN in draws(len(shared.ids_N)):
            pixels_RQ = shared.pixel_sums(times_RN)
            for place in places:
                photos, prediction = wanted[place]
                sums = photos.sums(prediction, times_RN, pixels_RQ)
                for metric in METRICS:
                    if (values_R := metric.of_sums(sums)) is not None:
                        found[place].setdefault(metric.key, []).append(values_R)
    return [{key: np.concatenate(blocks) for key, blocks in one.items()} for one in found]


def _same_photos(photos: Sequence[PhotoSums]) -> list[list[int]]:
    """The places of those that are of the same photos, together."""
    found: list[list[int]] = []
    for place, one in enumerate(photos):
        known = next((places for places in found if photos[places[0]].shows(one)), None)
        if known is None:
            found.append([place])
        else:
            known.append(place)
    return found


def interval(values_R: FloatArray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The percentile interval of a score's, or a difference's, resampled values."""
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(values_R, (tail, 100 - tail))
    return float(low), float(high)
