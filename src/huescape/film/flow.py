"""How a picture moved since the one before: dense optical flow, and what it cannot explain.

Flow by dense inverse search (Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search),
both ways; a pixel counts as seen in both pictures where the two agree by the rule of Sundaram et
al. 2010 (Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow, eq. 5).

Shape suffixes: h rows and w columns of pixels, 2 for column and row; C values at m x n positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Floats = npt.NDArray[np.floating[Any]]
Flow = npt.NDArray[np.float32]

# Of eq. 5: agreement relative to the length of the motion, and in square pixels.
_RELATIVE, _ABSOLUTE = 0.01, 0.5
# Neighborhoods of the inverse search are 8 pixels wide, and it works on coarser pictures too.
_LEAST_SIDE = 32


@dataclass(frozen=True)
class Motion:
    """Where a picture's pixels were in the picture before.

    Attributes:
        flow_hw2: columns and rows from a pixel to where it was, float32.
        seen_hw: whether it was there to be seen.
        stride: from one network position to the next, in pixels.
    """

    flow_hw2: Flow
    seen_hw: npt.NDArray[np.bool_]
    stride: int = 1

    def carried(self, x_1Cmn: Tensor) -> Tensor:
        """Values at the positions of the picture before, brought to this one's; 0 where unseen."""
        m, n = x_1Cmn.shape[-2:]
        rows, columns = (
            np.minimum(self.stride // 2 + self.stride * np.arange(count), side - 1)
            for count, side in zip((m, n), self.seen_hw.shape, strict=True)
        )
        at = np.ix_(rows, columns)
        moved_mn2 = self.flow_hw2[at] / np.float32(self.stride)
        grid_mn2 = np.stack(np.meshgrid(np.arange(n), np.arange(m)), axis=-1) + moved_mn2
        ends = np.maximum((n - 1, m - 1), 1)
        grid_1mn2 = torch.from_numpy((2 * grid_mn2 / ends - 1).astype(np.float32))[None]
        found = F.grid_sample(
            x_1Cmn, grid_1mn2.to(x_1Cmn), padding_mode="border", align_corners=True
        )
        return found * torch.from_numpy(self.seen_hw[at]).to(x_1Cmn)


class FlowEstimator:
    """Finds the motion between pictures of one size."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def motion(self, before_hw: Floats, now_hw: Floats, stride: int = 1) -> Motion | None:
        """The motion from `before_hw`, lightness of 0 to 1; None where they are too small."""
        if min(now_hw.shape) < _LEAST_SIDE:
            return None
        before, now = (
            np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8) for x in (before_hw, now_hw)
        )
        back_hw2, forth_hw2 = self._found(now, before), self._found(before, now)
        return Motion(back_hw2, both_ways(back_hw2, forth_hw2), stride)

    def _found(self, here: npt.NDArray[np.uint8], there: npt.NDArray[np.uint8]) -> Flow:
        return np.asarray(self._search.calc(here, there, np.zeros(0, np.float32)), np.float32)


def both_ways(back_hw2: Flow, forth_hw2: Flow) -> npt.NDArray[np.bool_]:
    """Where going back and then forth comes home (Sundaram et al. 2010, eq. 5), inside the picture.

    Args:
        back_hw2: from each pixel to where it was; forth_hw2: from each pixel before to where it is.
    """
    h, w = back_hw2.shape[:2]
    columns_hw, rows_hw = np.meshgrid(
        np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)
    )
    x_hw, y_hw = columns_hw + back_hw2[..., 0], rows_hw + back_hw2[..., 1]
    edge = cv2.BORDER_REPLICATE
    home_hw2 = np.asarray(cv2.remap(forth_hw2, x_hw, y_hw, cv2.INTER_LINEAR, borderMode=edge))
    apart_hw = np.square(back_hw2 + home_hw2).sum(axis=-1)
    length_hw = np.square(back_hw2).sum(axis=-1) + np.square(home_hw2).sum(axis=-1)
    inside_hw = (x_hw > -0.5) & (x_hw < w - 0.5) & (y_hw > -0.5) & (y_hw < h - 0.5)
    return np.asarray((apart_hw < _RELATIVE * length_hw + _ABSOLUTE) & inside_hw)
