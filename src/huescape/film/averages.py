"""Means over time of what a network says of each of its positions.

Shape suffixes: C values (the probabilities of bins, or 2 of chroma), m rows and n columns of
positions.
"""

from __future__ import annotations

import math
from collections import deque

import torch
from torch import Tensor

from huescape.film.flow import Motion


class Window:
    """The kernel of ColorUNet (Billaut et al. 2018): sum of exp(-decay i) x_{t-i} over i < frames.

    Divided by the sum of those weights, over as many frames as there have been. Computed as
    S_t = x_t + exp(-decay) S_{t-1} - exp(-decay frames) x_{t-frames}: three arrays a frame are
    read, not `frames`. In float64, where the rounding of a million frames is far below float32's.
    """

    def __init__(self, frames: int, decay: float) -> None:
        self._frames, self._decay = frames, decay
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._past: deque[Tensor] = deque()
        self._sum: Tensor | None = None

    def add(self, x_Cmn: Tensor) -> Tensor:
        """The mean, x included; float32 (C, m, n)."""
        if self._sum is None:
            self._sum = torch.zeros_like(x_Cmn, dtype=torch.float64)
        # In place: what costs time here is memory.
        self._sum.mul_(math.exp(-self._decay)).add_(x_Cmn)
        if len(self._past) == self._frames:
            weight = math.exp(-self._decay * self._frames)
            self._sum.sub_(self._past.popleft(), alpha=weight)
        self._past.append(x_Cmn)
        weights = sum(math.exp(-self._decay * i) for i in range(len(self._past)))
        return torch.mul(self._sum, 1 / weights, out=torch.empty_like(x_Cmn))


class Carried:
    """The same mean without an end, S_t = x_t + exp(-decay) S_{t-1}, carried along with motion.

    Each position of S, and of the weights W that it is divided by, is taken from where the picture
    was a frame ago; what was hidden then begins anew.
    """

    def __init__(self, decay: float) -> None:
        self._kept = math.exp(-decay)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._sums_1Cmn: Tensor | None = None

    def add(self, x_Cmn: Tensor, motion: Motion | None) -> Tensor:
        """The mean, x included, (C, m, n); `motion` is that since the frame before, if any."""
        one_1mn = torch.ones_like(x_Cmn[:1])
        sums_1Cmn = torch.cat([x_Cmn, one_1mn])[None]
        if self._sums_1Cmn is not None and motion is not None:
            sums_1Cmn += motion.carried(self._sums_1Cmn) * self._kept
        self._sums_1Cmn = sums_1Cmn
        return sums_1Cmn[0, :-1] / sums_1Cmn[0, -1:]
