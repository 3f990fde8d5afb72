"""How alike two RGB pictures are: squared error, PSNR and SSIM.

Pictures are uint8 (H, W, 3), what a person is shown: clipped to the gamut and rounded.

Shape suffixes: H rows, W columns, 3 channels; `_CHW` is the planar copy.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Planes = npt.NDArray[np.float64]

# Wang et al. 2004: an 11 x 11 window, a Gaussian of sigma 1.5, K1 = 0.01 and K2 = 0.03.
_RADIUS, _SIGMA = 5, 1.5
SSIM_SIDE = 2 * _RADIUS + 1
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def squared_error(first: Picture, second: Picture) -> int:
    """Sum of squared differences over all pixels and channels, an exact integer."""
    difference = first.astype(np.int32) - second
    return int(np.einsum("hwc,hwc->", difference, difference, dtype=np.int64))


def psnr(error: int, values: int) -> float:
    """Peak signal-to-noise ratio in dB of a sum of squared errors over `values` 8-bit numbers.

    Infinite without any error. Pooled over photos: pass the sums over all photos.
    """
    return 10 * math.log10(255**2 * values / error) if error else math.inf


class SsimReference:
    """The true picture's share of SSIM, computed once and compared with many pictures.

    SSIM of Wang et al. 2004 with the Gaussian window, per channel, averaged over the channels and
    over the windows that lie wholly inside the picture; population variances. It agrees with
    scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, data_range=255, channel_axis=-1)`.
    """

    def __init__(self, truth: Picture) -> None:
        self._small = min(truth.shape[:2]) < SSIM_SIDE
        if self._small:
            return
        self._truth_CHW = _planes(truth)
        self._mean = [blur(plane) for plane in self._truth_CHW]
        self._variance = [
            blur(plane * plane) - mean * mean
            for plane, mean in zip(self._truth_CHW, self._mean, strict=True)
        ]

    def score(self, picture: Picture) -> float:
        """SSIM in [-1, 1]; NaN when a side is shorter than the window's 11 pixels."""
        if self._small:
            return math.nan
        channels = enumerate(_planes(picture))
        return sum(self._channel(number, plane) for number, plane in channels) / 3

    def _channel(self, number: int, plane: Planes) -> float:
        mean, true_mean = blur(plane), self._mean[number]
        cross = mean * true_mean
        squares = mean * mean
        variance = blur(plane * plane)
        variance -= squares
        covariance = blur(plane * self._truth_CHW[number])
        covariance -= cross
        squares += true_mean * true_mean
        top = (2 * cross + _C1) * (2 * covariance + _C2)
        top /= (squares + _C1) * (variance + self._variance[number] + _C2)
        return float(top.mean())


def ssim(first: Picture, second: Picture) -> float:
    """SSIM of two pictures; see `SsimReference`."""
    return SsimReference(first).score(second)


def blur(plane: Planes) -> Planes:
    """The Gaussian window where it lies wholly inside a plane: (H, W) to (H - 10, W - 10)."""
    return _along_rows(np.ascontiguousarray(_along_rows(plane).T)).T


def _along_rows(plane: Planes) -> Planes:
    """The window along the first axis; its symmetric pairs of taps are added before weighing."""
    height = len(plane) - 2 * _RADIUS
    total = plane[_RADIUS : _RADIUS + height] * _TAPS[0]
    pair = np.empty_like(total)
    for offset in range(1, _RADIUS + 1):
        before = plane[_RADIUS - offset : _RADIUS - offset + height]
        np.add(before, plane[_RADIUS + offset : _RADIUS + offset + height], out=pair)
        pair *= _TAPS[offset]
        total += pair
    return total


def _gaussian_taps() -> tuple[float, ...]:
    """Weights at offsets 0..5 from the window's middle; all eleven sum to 1."""
    half = [math.exp(-(k**2) / (2 * _SIGMA**2)) for k in range(_RADIUS + 1)]
    total = half[0] + 2 * sum(half[1:])
    return tuple(value / total for value in half)


_TAPS = _gaussian_taps()


def _planes(picture: Picture) -> Planes:
    return np.moveaxis(picture, -1, 0).astype(np.float64)
