"""From a distribution over bins to a color, and from color and lightness to a picture.

Shape suffixes: N pictures, Q bins, H and W pixels, 2 chroma channels; lower-case h and w are the
network's own resolution.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.color.spaces import Space

# Dividing by less would overflow to infinity or 0/0; at this value any difference that float32
# can hold is already decisive.
_SMALLEST_TEMPERATURE = 1e-30


def annealed_mean(logits_NQHW: Tensor, centers_Q2: Tensor, temperature: float) -> Tensor:
    """Annealed mean of the predicted distribution (Zhang et al. 2016, eq. 5).

    f_T(z) = exp(log z / T) / sum exp(log z_i / T), then the expectation over the bins' centers.
    T = 1 is the mean and T -> 0 the mode (the mean of the modes where several are exactly equal).
    Zhang et al. use T = 0.38. Computed from the logits in float32 (or float64, where they are),
    outside autocast, so that neither a probability of 0 nor half precision spoils a color.

    Args:
        logits_NQHW: any real floats; -inf is a bin with probability 0.
        centers_Q2: the bins' chroma, any float dtype.
        temperature: T > 0.
    Returns:
        chroma (N, 2, H, W), float32 (float64 for float64 logits), on the logits' device.
    Raises:
        HuescapeError: T is not a positive number, shapes do not fit, or a pixel's logits hold NaN,
            +inf or nothing but -inf.
    """
    if not (temperature > 0 and np.isfinite(temperature)):
        raise HuescapeError(f"temperature is {temperature}: allowed is a positive number")
    logits_NQHW, centers_Q2 = _checked(logits_NQHW, centers_Q2)
    highest_N1HW = logits_NQHW.amax(dim=1, keepdim=True)
    if not bool(torch.isfinite(highest_N1HW).all()):
        raise HuescapeError(
            "a pixel's logits hold NaN, +inf or nothing but -inf: allowed is finite"
        )
    with torch.autocast(logits_NQHW.device.type, enabled=False):
        # Shifted by the highest before the division, so that no T can make inf - inf.
        shifted_NQHW = (logits_NQHW - highest_N1HW) / max(temperature, _SMALLEST_TEMPERATURE)
        weights_NQHW = torch.softmax(shifted_NQHW, dim=1)
        return torch.einsum("nqhw,qc->nchw", weights_NQHW, centers_Q2)


def upsample_chroma(
    chroma_N2hw: Tensor, size: tuple[int, int], stride: int = 1, source: tuple[int, int] = (0, 0)
) -> Tensor:
    """Bilinear upsampling to (H, W): (N, 2, H, W); beyond the outermost points, their color.

    The points of `chroma_N2hw` are pixels stride // 2, stride // 2 + stride, … of a picture of
    `source` = (rows, columns), by default (h stride, w stride): where targets are sampled. (The
    usual interpolation puts the points of an even stride half a pixel further up and left.)
    """
    height, width = chroma_N2hw.shape[-2:]
    source = source if all(source) else (height * stride, width * stride)
    if stride == 1 and (height, width) == tuple(size) == tuple(source):
        return chroma_N2hw
    rows = _interpolated(chroma_N2hw, -2, size[0], stride, source[0])
    return _interpolated(rows, -1, size[1], stride, source[1])


def _interpolated(x: Tensor, dim: int, count: int, stride: int, source: int) -> Tensor:
    """Linear interpolation of one axis at the centers of `count` pixels."""
    pixel = (torch.arange(count, dtype=torch.float64) + 0.5) * (source / count) - 0.5
    place = ((pixel - stride // 2) / stride).clamp(0, x.shape[dim] - 1)
    before = place.floor().long()
    after = (before + 1).clamp(max=x.shape[dim] - 1)
    shape = [1] * x.ndim
    shape[dim] = count
    share = (place - before).to(x.dtype).view(shape).to(x.device)
    low = x.index_select(dim, before.to(x.device))
    high = x.index_select(dim, after.to(x.device))
    return torch.lerp(low, high, share)


def join(
    lightness_HW: npt.NDArray[np.floating[Any]], ab_HW2: npt.NDArray[np.floating[Any]], space: Space
) -> npt.NDArray[np.uint8]:
    """Original lightness and predicted chroma as a picture, rgb (H, W, 3) uint8.

    Any leading shape will do. Colors outside sRGB are clipped as `space.to_rgb` says, then rounded.

    Raises:
        HuescapeError: the two do not have the same height and width, or are not float32 or float64.
    """
    return space.to_picture(lightness_HW, ab_HW2)


def _checked(logits_NQHW: Tensor, centers_Q2: Tensor) -> tuple[Tensor, Tensor]:
    if logits_NQHW.ndim != 4 or centers_Q2.shape != (logits_NQHW.shape[1], 2):
        raise HuescapeError(
            f"logits have shape {tuple(logits_NQHW.shape)} and bins {tuple(centers_Q2.shape)}: "
            "allowed are (N, Q, H, W) and (Q, 2)"
        )
    if logits_NQHW.dtype != torch.float64:
        logits_NQHW = logits_NQHW.float()
    return logits_NQHW, centers_Q2.to(logits_NQHW)
