"""How alike two RGB pictures are: squared error, PSNR and SSIM.

Pictures are uint8 (H, W, 3), what a person is shown: clipped to the gamut and rounded.

Shape suffixes: H rows, W columns, 3 channels; `_HJ` and `_hj` see `ssim_kernels`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics import pixel_kernels, ssim_kernels
from huescape.metrics.pixel_kernels import flat

Picture = npt.NDArray[np.uint8]

SSIM_SIDE = ssim_kernels.SIDE


def squared_error(first: Picture, second: Picture) -> int:
    """Sum of squared differences over all pixels and channels, an exact integer.

    Raises HuescapeError when the pictures, uint8 (..., 3), differ in shape or are something else.
    """
    _check_pair(first, second)
    return int(pixel_kernels.squared_error(flat(first), flat(second)))


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

    The true picture, uint8 (H, W, 3), is kept and not copied: do not change it afterwards. Raises
    HuescapeError when it is something else.
    """

    def __init__(self, truth: Picture) -> None:
        check_picture(truth)
        if truth.ndim != 3:
            raise HuescapeError(f"a picture has shape {truth.shape}: allowed is (H, W, 3)")
        self._truth = truth
        height, width = (max(side - SSIM_SIDE + 1, 0) for side in truth.shape[:2])
        self._mean_hj, self._variance_hj = np.empty((2, height, 3 * width))
        if self._mean_hj.size:
            ssim_kernels.moments(_rows(truth), self._mean_hj, self._variance_hj)

    def score(self, picture: Picture) -> float:
        """SSIM in [-1, 1]; NaN when a side is shorter than the window's 11 pixels.

        Raises HuescapeError when the picture is not uint8, or of another shape than the true one.
        """
        _check_pair(picture, self._truth)
        if not self._mean_hj.size:
            return math.nan
        mean_hj, variance_hj = self._mean_hj, self._variance_hj
        total = ssim_kernels.ssim_sum(_rows(self._truth), mean_hj, variance_hj, _rows(picture))
        return float(total / mean_hj.size)


def ssim(first: Picture, second: Picture) -> float:
    """SSIM of two pictures; see `SsimReference`."""
    return SsimReference(first).score(second)


def check_picture(rgb: Picture) -> None:
    """Raise HuescapeError unless `rgb` is uint8 (..., 3): compiled code would read past its end."""
    if rgb.dtype != np.uint8 or rgb.shape[-1:] != (3,):
        raise HuescapeError(f"a picture is {rgb.dtype} {rgb.shape}: allowed is uint8 (..., 3)")


def _rows(picture: Picture) -> Picture:
    """(H, 3 W): each row's values in line."""
    return flat(picture).reshape(len(picture), -1)


def _check_pair(first: Picture, second: Picture) -> None:
    check_picture(first)
    check_picture(second)
    if first.shape != second.shape:
        shapes = f"{first.shape} and {second.shape}"
        raise HuescapeError(f"two pictures have shapes {shapes}: allowed are equal ones")
