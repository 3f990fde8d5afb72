"""Resampling of pictures of unknown size as products with matrices, which any graph can hold.

Each matrix turns one axis of `before` pixels into `after`; it has `after` rows, and its columns say
how much each pixel counts. Sizes may be symbolic integers of torch.export, from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

_LOBES = 3  # of the Lanczos window
_CUBIC = -0.75  # the slope of torch's cubic curve where it crosses 0


def sizes(rows: int, columns: int) -> Tensor:
    """Two lengths as float64, (2,), to compute others of: as Python does, halves go to even."""
    return torch.cat([_number(rows), _number(columns)])


def lengths(sizes_2: Tensor) -> tuple[int, int]:
    """Two whole numbers, at least 1, to make arrays of; to torch.export they are unrelated to all.

    Related ones, such as a padded side divided by a stride, keep its solver of inequations busy for
    many minutes.
    """
    rows, columns = sizes_2.long().tolist()
    torch._check(rows >= 1)  # type: ignore[no-untyped-call]
    torch._check(columns >= 1)  # type: ignore[no-untyped-call]
    return rows, columns


def lanczos(before: int, after: int) -> Tensor:
    """Pillow's LANCZOS, which averages where it shrinks; float32, its numbers before rounding."""

    def curve(x: Tensor) -> Tensor:
        angle = torch.where(x == 0, torch.ones_like(x), x * math.pi)
        wave = torch.sin(angle) * torch.sin(angle / _LOBES) * _LOBES / (angle * angle)
        inside = torch.where(x.abs() < _LOBES, wave, torch.zeros_like(x))
        return torch.where(x == 0, torch.ones_like(x), inside)

    return _averaging(before, after, curve)


def triangle(before: int, after: int) -> Tensor:
    """torch's bilinear interpolation with `antialias`, which averages where it shrinks; float32."""
    return _averaging(before, after, lambda x: (1 - x.abs()).clamp(min=0))


def _averaging(before: int, after: int, curve: Callable[[Tensor], Tensor]) -> Tensor:
    """Rows of `curve`, as wide as a pixel of the result but never narrower than one before."""
    ratio = _quotient(before, after)
    middle_A1 = _middles(before, after)[:, None]
    pixel_B = torch.arange(before).double() + 0.5
    weight_AB = curve((pixel_B - middle_A1) / ratio.clamp(min=1))
    return (weight_AB / weight_AB.sum(dim=1, keepdim=True)).float()


def cubic(before: int, after: int) -> Tensor:
    """torch's bicubic interpolation, whose four points at a border repeat the last one; float32."""
    place_A = _middles(before, after) - 0.5
    first_A = place_A.floor()
    t_A, pixel_B = place_A - first_A, torch.arange(before)
    weight_AB = torch.zeros(after, before, dtype=torch.float64)
    for step, share_A in zip((-1, 0, 1, 2), _cubic_shares(t_A), strict=True):
        at_A = (first_A.long() + step).clamp(min=0, max=before - 1)
        weight_AB = weight_AB + torch.where(at_A[:, None] == pixel_B, share_A[:, None], 0.0)
    return weight_AB.float()


def _cubic_shares(t_A: Tensor) -> tuple[Tensor, ...]:
    def near(x: Tensor) -> Tensor:
        return ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC

    return far(t_A + 1), near(t_A), near(1 - t_A), far(2 - t_A)


def pool(before: int, after: int) -> Tensor:
    """torch's adaptive average pool, whose areas may overlap; float32."""
    area_A1, pixel_B = torch.arange(after)[:, None], torch.arange(before)
    first_A1 = area_A1 * before // after
    stop_A1 = ((area_A1 + 1) * before + after - 1) // after
    is_in_AB = (pixel_B >= first_A1) & (pixel_B < stop_A1)
    return is_in_AB.float() / (stop_A1 - first_A1).float()


def between(points: int, stride: int, before: int, after: int) -> tuple[Tensor, Tensor, Tensor]:
    """What `color.decoding.upsample_chroma` takes for one axis: the points and the second's share.

    Args:
        points: how many; they are pixels stride // 2, stride // 2 + stride, … of `before`.
    Returns:
        (after,) the numbers of the point before and of the point after, and the share of the
        latter, float32.
    """
    place_A = ((_middles(before, after) - 0.5 - stride // 2) / stride).clamp(min=0, max=points - 1)
    before_A = place_A.floor().long()
    return before_A, (before_A + 1).clamp(max=points - 1), (place_A - before_A).float()


def reflected(count: int, total: int, mirrors: Tensor) -> Tensor:
    """Which of `count` pixels each of `total` is, (total,): those after the last are mirrored.

    They repeat the last one where `mirrors`, one bool, is false.
    """
    place_T = torch.arange(total)
    mirrored_T = ((count - 1) - (place_T - (count - 1)).abs()).clamp(min=0)
    return torch.where(mirrors, mirrored_T, place_T.clamp(max=count - 1))


def _middles(before: int, after: int) -> Tensor:
    """(after,) float64: where the middle of each pixel of the result lies, from 0."""
    return ((2 * torch.arange(after) + 1) * before).double() / _number(2 * after)


def _quotient(before: int, after: int) -> Tensor:
    return _number(before) / _number(after)


def _number(x: int) -> Tensor:
    return torch.full((1,), x, dtype=torch.int64).double()
