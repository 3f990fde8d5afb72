"""The geometric median of distributions over colors: where the expected distance is smallest.

Shape suffixes: N pictures, Q bins, P positions, 2 chroma channels.
"""

import torch
from torch import Tensor

_STEPS = 10
# No distance counts as less than this share of the centers' radius.
_LEAST = 1e-5
# Numbers of one piece, so that it stays in the processor's cache.
_PIECE = 1 << 18


def geometric_median(weight_NQP: Tensor, center_Q2: Tensor) -> Tensor:
    """The median of each position, (N, 2, P), by `weiszfeld`, in pieces that fit the cache.

    Args:
        weight_NQP: none negative, sum 1 over the bins; float32 or float64.
        center_Q2: of the same type.
    """
    count = max(1, _PIECE // (len(weight_NQP) * len(center_Q2)))
    pieces = torch.split(weight_NQP, count, dim=2)
    return torch.cat([weiszfeld(piece_NQP, center_Q2) for piece_NQP in pieces], dim=2)


def weiszfeld(weight_NQP: Tensor, center_Q2: Tensor) -> Tensor:
    """Ten steps of Weiszfeld's iteration, (N, 2, P); which operations run depends on no value.

    They start at the best of the centers: from the mean, as is usual, ten steps are far from enough
    where two distant colors are about equally likely. The first step is that of Vardi and Zhang
    (2000), since Weiszfeld's would divide by zero at a center: the other centers' pull is lessened
    by its own weight, and where it is not larger the center is the median, and stays.
    """
    origin_2 = center_Q2.mean(dim=0)
    radius = (center_Q2 - origin_2).norm(dim=1).max().clamp(min=torch.finfo(center_Q2.dtype).tiny)
    unit_Q2 = (center_Q2 - origin_2) / radius  # so that the same numbers do for every color space
    apart_QQ = (unit_Q2[:, None] - unit_Q2).norm(dim=2)
    best_NP = (apart_QQ @ weight_NQP).min(dim=1).indices
    point_N2P = unit_Q2[best_NP].transpose(1, 2)
    own_N1P = weight_NQP.gather(1, best_NP[:, None])
    others_NQP = weight_NQP.scatter(1, best_NP[:, None], 0.0)
    goal_N2P, pull_N1P = _goal(others_NQP, unit_Q2, point_N2P)
    step_N2P = goal_N2P - point_N2P
    force_N1P = (pull_N1P * step_N2P.norm(dim=1, keepdim=True)).clamp(min=1e-30)
    point_N2P = point_N2P + step_N2P * (1 - own_N1P / force_N1P).clamp(min=0)
    for _ in range(_STEPS - 1):
        point_N2P, _ = _goal(weight_NQP, unit_Q2, point_N2P)
    return torch.addcmul(origin_2[:, None], point_N2P, radius)


def _goal(weight_NQP: Tensor, unit_Q2: Tensor, point_N2P: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the centers weighted by weight / distance, and the sum of those quotients."""
    distance_NQP = (unit_Q2[:, :1] - point_N2P[:, :1]).square_()
    second_NQP = unit_Q2[:, 1:] - point_N2P[:, 1:]
    distance_NQP.addcmul_(second_NQP, second_NQP)
    pull_NQP = distance_NQP.clamp_(min=_LEAST**2).rsqrt_().mul_(weight_NQP)
    sums_3Q = torch.cat([unit_Q2, torch.ones_like(unit_Q2[:, :1])], dim=1).T
    sums_N3P = sums_3Q @ pull_NQP
    total_N1P = sums_N3P[:, 2:].clamp(min=1e-30)
    return sums_N3P[:, :2] / total_N1P, total_N1P
