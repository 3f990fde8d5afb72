"""What each photo adds to a score, so that the scores of resampled photos follow from sums.

AuC, rebalanced and macro AuC are ratios of sums over photos: pixels by true bin, and the AuC of
those pixels in whole units (`auc.units`); so are the bin accuracies, by the pixels whose predicted
bin is the true one. The squared error of the pictures gives the PSNR. What a score measures photo
by photo is a mean over photos.

Shape suffixes: N photos, E pairs of a photo and a bin that occurs in it, Q scoring bins, B bins of
the macro score, P predictions, M scores that are measured photo by photo, R resamplings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics import auc
from huescape.metrics.photo_parts import PhotoParts
from huescape.metrics.pictures import psnr

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]

# What is measured is summed in millionths: sums of whole numbers do not depend on their order.
_MILLION = 1e6
_PHOTOS = 4096  # at a time: those of a large test split by all bins are gigabytes


@dataclass(frozen=True)
class Sums:
    """Sums over the photos of R resamplings; `mean_R` are means over them of what is measured."""

    pixels_RQ: FloatArray
    hits_RQ: FloatArray
    units_RQ: FloatArray
    error_R: FloatArray
    mean_R: Mapping[str, FloatArray]
    weight_Q: FloatArray
    macro_B: IntArray


#: The arrays of a `PhotoSums` in a file.
ARRAYS = (
    *("ids_N", "photo_E", "bin_E", "pixels_E", "weight_Q", "macro_B"),
    *("names_P", "hits_PE", "units_PE", "error_PN", "measures_M", "measured_PMN", "known_PMN"),
)


@dataclass(frozen=True)
class PhotoSums:
    """What each photo adds to the scores of P predictions of the same photos.

    Attributes:
        ids_N: of the photos.
        photo_E, bin_E, pixels_E: which photo has how many pixels in which bin, int32.
        weight_Q: weights of the rebalanced score, float64.
        macro_B: bins of the macro score, int32.
        names_P: of the predictions: decodings and baselines.
        hits_PE: how many of those pixels have their own bin as the predicted one, int32.
        units_PE: the AuC of those pixels (`auc.units`), int32.
        error_PN: sums of squared differences of the RGB pictures, int64.
        measures_M: keys of the scores that are measured photo by photo.
        measured_PMN: what they measured, float64.
        known_PMN: whether a photo has such a number; it is 0 where it has none.
    """

    ids_N: npt.NDArray[np.str_]
    photo_E: IntArray
    bin_E: IntArray
    pixels_E: IntArray
    weight_Q: FloatArray
    macro_B: IntArray
    names_P: npt.NDArray[np.str_]
    hits_PE: IntArray
    units_PE: IntArray
    error_PN: IntArray
    measures_M: npt.NDArray[np.str_]
    measured_PMN: FloatArray
    known_PMN: BoolArray

    def __post_init__(self) -> None:
        """Raises HuescapeError for arrays that do not fit together."""
        photos, pairs, bins = len(self.ids_N), self.photo_E.shape, len(self.weight_Q)
        predictions = len(self.names_P)
        fits = (
            self.bin_E.shape == self.pixels_E.shape == pairs
            and self.hits_PE.shape == self.units_PE.shape == (predictions, *pairs)
            and self.error_PN.shape == (predictions, photos)
            and self.measured_PMN.shape == (predictions, len(self.measures_M), photos)
            and self.known_PMN.shape == self.measured_PMN.shape
        )
        fits &= bool((np.diff(self.photo_E) >= 0).all())
        limits = ((self.photo_E, photos), (self.bin_E, bins), (self.macro_B, bins))
        if not fits or not all(_within(values, count) for values, count in limits):
            raise HuescapeError("the sums of photos do not fit together")

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        parts: Mapping[str, PhotoParts],
        weight_Q: FloatArray,
        macro_B: IntArray,
    ) -> PhotoSums:
        """Of the parts of each photo, in the order of `ids`, by prediction."""
        first, *_ = every = list(parts.values())
        measures = sorted(set[str]().union(*(own.measures for own in every)))
        measured_PMN = np.array([[own.measured_N(key) for key in measures] for own in every])
        return cls(
            ids_N=np.array(ids),
            photo_E=np.repeat(np.arange(len(ids), dtype=np.int32), first.counts_N),
            bin_E=first.pairs("bin_E"),
            pixels_E=first.pairs("pixels_E"),
            weight_Q=np.asarray(weight_Q, np.float64),
            macro_B=np.asarray(macro_B, np.int32),
            names_P=np.array(list(parts)),
            hits_PE=np.stack([own.pairs("hits_E") for own in every]),
            units_PE=np.stack([own.pairs("units_E") for own in every]),
            error_PN=np.stack([own.error_N for own in every]),
            measures_M=np.array(measures, np.str_),
            measured_PMN=np.where(np.isfinite(measured_PMN), measured_PMN, 0),
            known_PMN=np.isfinite(measured_PMN),
        )

    def of_photos(self, chosen_N: BoolArray, macro_pixels: int, macro_photos: int) -> PhotoSums:
        """Of the chosen photos alone.

        The bins of their macro score are those that they show often enough: in so many pixels, of
        so many photos.
        """
        pairs = chosen_N[self.photo_E]
        bin_E, pixels_E, bins = self.bin_E[pairs], self.pixels_E[pairs], len(self.weight_Q)
        often_Q = np.bincount(bin_E, pixels_E, minlength=bins) >= macro_pixels
        often_Q &= np.bincount(bin_E, minlength=bins) >= macro_photos
        place_N = np.cumsum(chosen_N, dtype=np.int32) - np.int32(1)
        return replace(
            self,
            ids_N=self.ids_N[chosen_N],
            photo_E=place_N[self.photo_E[pairs]],
            bin_E=bin_E,
            pixels_E=pixels_E,
            macro_B=np.flatnonzero(often_Q).astype(np.int32),
            hits_PE=self.hits_PE[:, pairs],
            units_PE=self.units_PE[:, pairs],
            error_PN=self.error_PN[:, chosen_N],
            measured_PMN=self.measured_PMN[..., chosen_N],
            known_PMN=self.known_PMN[..., chosen_N],
        )

    def each(self, prediction: str) -> dict[str, npt.NDArray[np.float64]]:
        """Scores of the photos one by one, (N,), by the name of their mean in an evaluation.

        NaN where a photo has none: the PSNR of a picture without error.
        """
        place, photos = self.names_P.tolist().index(prediction), len(self.ids_N)
        units_N = np.bincount(self.photo_E, self.units_PE[place], minlength=photos)
        pixels_N = np.bincount(self.photo_E, self.pixels_E, minlength=photos)
        pairs = zip(self.error_PN[place].tolist(), (3 * pixels_N).tolist(), strict=True)
        psnr_N = np.array([psnr(error, values) if error else np.nan for error, values in pairs])
        return {
            "auc_photo_mean": auc.ratio(units_N, pixels_N * auc.UNITS),
            "psnr_photo_mean": psnr_N,
        }

    def shows(self, other: PhotoSums) -> bool:
        """Whether these are the photos of `other`, pixel by pixel: their `pixel_sums` are equal."""
        pairs = (
            (getattr(self, name), getattr(other, name))
            for name in ("ids_N", "photo_E", "bin_E", "pixels_E")
        )
        return len(self.weight_Q) == len(other.weight_Q) and all(
            np.array_equal(one, two) for one, two in pairs
        )

    def pixel_sums(self, times_RN: FloatArray) -> FloatArray:
        """Pixels by bin of photos that are taken `times_RN` times each, (R, Q)."""
        return self._summed(times_RN, self.pixels_E)

    def sums(self, prediction: str, times_RN: FloatArray, pixels_RQ: FloatArray) -> Sums:
        """Sums of a prediction over photos that are taken `times_RN` times each.

        `pixels_RQ` are their `pixel_sums`, which all predictions of the photos have in common. All
        are exact, and so independent of the order in which BLAS adds: below 2^53.
        """
        place = self.names_P.tolist().index(prediction)
        places = {key: (place, m) for m, key in enumerate(self.measures_M.tolist())}
        return Sums(
            pixels_RQ=pixels_RQ,
            hits_RQ=self._summed(times_RN, self.hits_PE[place]),
            units_RQ=self._summed(times_RN, self.units_PE[place]),
            error_R=times_RN @ self.error_PN[place].astype(np.float64),
            mean_R={
                key: _mean(self.measured_PMN[at], self.known_PMN[at], times_RN)
                for key, at in places.items()
            },
            weight_Q=self.weight_Q,
            macro_B=self.macro_B,
        )

    @cached_property
    def _occurring(self) -> tuple[IntArray, IntArray]:
        """The bins that occur, rising, and the place among them of each pair's."""
        bins, place_E = np.unique(self.bin_E, return_inverse=True)
        return bins, place_E

    def _summed(self, times_RN: FloatArray, values_E: IntArray) -> FloatArray:
        """Over the photos, by bin; of the bins that occur, the others are zero."""
        bins, place_E = self._occurring
        sums_RO = np.zeros((len(times_RN), len(bins)))
        for start in range(0, len(self.ids_N), _PHOTOS):
            times_RB = times_RN[:, start : start + _PHOTOS]
            low, high = np.searchsorted(self.photo_E, (start, start + _PHOTOS))
            dense_BO = np.zeros((times_RB.shape[1], len(bins)))
            dense_BO[self.photo_E[low:high] - start, place_E[low:high]] = values_E[low:high]
            sums_RO += times_RB @ dense_BO
        sums_RQ = np.zeros((len(times_RN), len(self.weight_Q)))
        sums_RQ[:, bins] = sums_RO
        return sums_RQ


def _mean(values_N: FloatArray, known_N: BoolArray, times_RN: FloatArray) -> FloatArray:
    """Over the photos that have a value; NaN where none was drawn."""
    millionths_N = np.rint(values_N * _MILLION)
    return auc.ratio(times_RN @ millionths_N / _MILLION, times_RN @ known_N)


def _within(values: IntArray, count: int) -> bool:
    return values.dtype.kind in "iu" and bool(((values >= 0) & (values < count)).all())
