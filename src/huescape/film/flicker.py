"""How steady the colors of a film are: along what moves, and as a whole.

Shape suffixes: H rows and W columns, 2 channels of chroma, 3 of RGB.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.color.divergence import jensen_shannon
from huescape.film.flow import Motion

Floats = npt.NDArray[np.floating[Any]]

#: Of the NTIRE 2023 video colorization challenge: how many frames apart two frames are compared.
INTERVALS = (1, 2, 4)


def chroma_change(before_HW2: Floats, now_HW2: Floats, motion: Motion) -> float:
    """The mean change of chroma from one frame to the next, in the units of the chroma.

    The distance between the chroma of each pixel and that of the place where it was, over the
    pixels that were seen before; NaN where there are none.
    """
    before_12HW = torch.from_numpy(np.ascontiguousarray(before_HW2.transpose(2, 0, 1)))[None]
    carried_HW2 = motion.carried(before_12HW)[0].permute(1, 2, 0).numpy()
    apart_HW = np.linalg.norm(now_HW2 - carried_HW2, axis=-1)
    return float(apart_HW[motion.seen_hw].mean()) if motion.seen_hw.any() else float("nan")


class ColorConsistency:
    """The color distribution consistency index (CDC) of a film; 0 is the steadiest.

    As in the NTIRE 2023 challenge on video colorization (Kang et al. 2023), after Liu et al. 2021
    (Temporally Consistent Video Colorization): of each frame i and channel c a histogram P_i^c of
    its 256 levels; CDC_t is the mean over channels and frames of JS(P_i^c, P_{i+t}^c), the
    Jensen-Shannon divergence in nats; CDC is the mean of CDC_1, CDC_2 and CDC_4. It needs no truth
    and knows of no motion: a gray film of its own lightness has a CDC, too, which no coloring can
    help.
    """

    def __init__(self) -> None:
        self._past: deque[Floats] = deque(maxlen=max(INTERVALS))
        self._sums = dict.fromkeys(INTERVALS, 0.0)
        self._counts = dict.fromkeys(INTERVALS, 0)

    def add(self, rgb_HW3: npt.NDArray[np.uint8]) -> None:
        """Take the next frame."""
        levels_3N = rgb_HW3.reshape(-1, 3).T
        counts = [np.bincount(levels_N, minlength=256) for levels_N in levels_3N]
        now_3L = np.stack(counts) / levels_3N.shape[1]
        for interval in INTERVALS:
            if len(self._past) >= interval:
                bits_3 = jensen_shannon(self._past[-interval], now_3L)
                self._sums[interval] += float(bits_3.mean()) * math.log(2)
                self._counts[interval] += 1
        self._past.append(now_3L)

    @property
    def value(self) -> float:
        """The CDC; NaN of fewer than five frames."""
        if not all(self._counts.values()):
            return float("nan")
        return sum(self._sums[t] / self._counts[t] for t in INTERVALS) / len(INTERVALS)
