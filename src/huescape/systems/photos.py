"""Stored photos as a system sees them when it colors them.

Shape suffixes: S side of a stored square, H rows and W columns of what is shown of it, C outputs;
h, w are H, W divided by the network's stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.boxes import Box
from huescape.systems.system import System

FloatArray = npt.NDArray[np.floating[Any]]


def shown_box(system: System, box: Box, size: int) -> Box:
    """What the network sees of a photo that lies at `box` in a square of `size` pixels.

    The photo alone, or the square with its padding where that is what training showed.
    """
    return Box(0, 0, size, size) if system.params.geometry.fit == "pad" else box


def predict_photos(system: System, lightness: Sequence[FloatArray]) -> list[Tensor]:
    """Outputs (C, h, w) for the lightness (H, W) of photos; those of one shape go together."""
    outputs: dict[int, Tensor] = {}
    for shape in dict.fromkeys(plane_HW.shape for plane_HW in lightness):
        alike = [k for k, plane_HW in enumerate(lightness) if plane_HW.shape == shape]
        stacked_N1HW = torch.from_numpy(np.stack([lightness[k] for k in alike])[:, None])
        outputs |= zip(alike, system.predict(system.normalize(stacked_N1HW)), strict=True)
    return [outputs[k] for k in range(len(lightness))]
