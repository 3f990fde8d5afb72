"""From a distribution over bins to a color, and from color and lightness to a picture.

Shape suffixes: N pictures, Q bins, H and W pixels, 2 chroma channels; lower-case h and w are the
network's own resolution.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.color.median import geometric_median
from huescape.color.priors import floored
from huescape.color.spaces import Space

Method = Literal["annealed", "median", "mode"]

# Dividing by less would overflow to infinity or 0/0; at this value any difference that float32
# can hold is already decisive.
_SMALLEST_TEMPERATURE = 1e-30


def decode(
    logits_NQHW: Tensor,
    centers_Q2: Tensor,
    method: Method,
    temperature: float,
    tau: float = 0.0,
    prior_Q: Tensor | None = None,
) -> Tensor:
    """One color of each distribution p over bins.

    All methods look at q, proportional to p^(1 / temperature) prior^(-tau). The prior sums to 1
    and is then raised to 1e-4 where it is lower; it is not scaled again, as that would not change
    q. `annealed` is the mean of q over the centers: with tau 0 the annealed mean of Zhang et al.
    2016, eq. 5, which is the mean of p at temperature 1 and its mode (the mean of the modes where
    several are exactly equal) towards 0. `median` is the geometric median of q, see `color.median`.
    `mode` is the center of the largest q, the first of several.

    Computed from the logits in float32 (or float64, where they are), outside autocast, so that
    neither a probability of 0 nor half precision spoils a color.

    Args:
        logits_NQHW: any real floats; -inf is a bin with probability 0.
        centers_Q2: the bins' chroma, any float dtype.
        temperature: above 0.
        tau: 0 to 1; above 0 it takes `prior_Q`, none of it negative, and not all 0.
    Returns:
        chroma (N, 2, H, W), float32 (float64 for float64 logits), on the logits' device.
    Raises:
        HuescapeError: a number out of range, shapes that do not fit, a prior that is none, or a
            pixel's logits hold NaN, +inf or nothing but -inf.
    """
    if not (temperature > 0 and np.isfinite(temperature)):
        raise HuescapeError(f"temperature is {temperature}: allowed is a positive number")
    logits_NQHW, centers_Q2 = _checked(logits_NQHW, centers_Q2)
    rarity_Q = None if tau == 0 else _rarity(tau, prior_Q, centers_Q2)
    if not bool(torch.isfinite(logits_NQHW.amax(dim=1)).all()):
        raise HuescapeError(
            "a pixel's logits hold NaN, +inf or nothing but -inf: allowed is finite"
        )
    with torch.autocast(logits_NQHW.device.type, enabled=False):
        return decode_unchecked(logits_NQHW, centers_Q2, method, temperature, rarity_Q)


def decode_unchecked(
    logits_NQHW: Tensor,
    centers_Q2: Tensor,
    method: Method,
    temperature: float,
    rarity_Q: Tensor | None,
    median: Callable[[Tensor, Tensor], Tensor] = geometric_median,
) -> Tensor:
    """`decode` without its checks of the data, which no exported graph can hold.

    `rarity_Q` is what `rarity` gives, None with tau 0.
    """
    highest_N1HW = logits_NQHW.amax(dim=1, keepdim=True)
    # Shifted by the highest before the division, so that no temperature can make inf - inf.
    log_NQHW = (logits_NQHW - highest_N1HW) / max(temperature, _SMALLEST_TEMPERATURE)
    if rarity_Q is not None:
        log_NQHW = log_NQHW + rarity_Q[:, None, None]
    if method == "mode":
        return centers_Q2[log_NQHW.max(dim=1).indices].permute(0, 3, 1, 2)
    weights_NQHW = torch.softmax(log_NQHW, dim=1)
    if method == "annealed":
        return torch.einsum("nqhw,qc->nchw", weights_NQHW, centers_Q2)
    height, width = logits_NQHW.shape[-2:]
    return median(weights_NQHW.flatten(2), centers_Q2).reshape(-1, 2, height, width)


def rarity(tau: float, prior_Q: Tensor) -> Tensor:
    """-tau log of the prior, (Q,) of its type: what `tau` adds to the logarithm of q.

    Raises HuescapeError for a tau or a prior out of range.
    """
    if not 0 <= tau <= 1:
        raise HuescapeError(f"tau is {tau}: allowed is 0 to 1")
    return -tau * torch.from_numpy(np.log(floored(prior_Q.cpu().numpy()))).to(prior_Q)


def upsample_chroma(
    chroma_N2hw: Tensor,
    size: tuple[int, int],
    stride: int = 1,
    source: tuple[int, int] = (0, 0),
    part: slice = slice(None),
) -> Tensor:
    """Bilinear upsampling to (H, W): (N, 2, H, W); beyond the outermost points, their color.

    With `part`, those rows of it alone.

    The points of `chroma_N2hw` are pixels stride // 2, stride // 2 + stride, … of a picture of
    `source` = (rows, columns), by default (h stride, w stride): where targets are sampled. (The
    usual interpolation puts the points of an even stride half a pixel further up and left.)
    """
    height, width = chroma_N2hw.shape[-2:]
    source = source if all(source) else (height * stride, width * stride)
    if stride == 1 and (height, width) == tuple(size) == tuple(source):
        return chroma_N2hw[..., part, :]
    rows = _interpolated(chroma_N2hw, -2, size[0], stride, source[0], part)
    return _interpolated(rows, -1, size[1], stride, source[1], slice(None))


def _interpolated(x: Tensor, dim: int, count: int, stride: int, source: int, part: slice) -> Tensor:
    """Linear interpolation of one axis at the centers of that `part` of `count` pixels."""
    pixel = (torch.arange(count, dtype=torch.float64)[part] + 0.5) * (source / count) - 0.5
    place = ((pixel - stride // 2) / stride).clamp(0, x.shape[dim] - 1)
    before = place.floor().long()
    after = (before + 1).clamp(max=x.shape[dim] - 1)
    shape = [1] * x.ndim
    shape[dim] = len(pixel)
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


def _rarity(tau: float, prior_Q: Tensor | None, centers_Q2: Tensor) -> Tensor:
    if prior_Q is None or prior_Q.shape != centers_Q2.shape[:1]:
        found = None if prior_Q is None else tuple(prior_Q.shape)
        raise HuescapeError(
            f"the prior has shape {found}: allowed with tau {tau:g} is ({len(centers_Q2)},), "
            "one number a bin"
        )
    return rarity(tau, prior_Q.double()).to(centers_Q2)
