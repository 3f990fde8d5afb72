"""All scores of one photo: what is true, computed once, and each prediction against it.

Shape suffixes: H rows, W columns, N = H * W pixels, 2 chroma channels (ab), Q scoring bins,
D distances (see `auc`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.color.encoding import nearest_bin
from huescape.color.spaces import rgb_to_lab
from huescape.metrics import accuracy
from huescape.metrics.auc import Table, distance_table
from huescape.metrics.colorfulness import colorfulness
from huescape.metrics.hue import hue_table
from huescape.metrics.pictures import Picture, SsimReference, squared_error

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Truth:
    """A photo (without its padding) and everything that no prediction changes."""

    rgb_HW3: Picture
    lab_HW3: FloatArray
    ab_N2: FloatArray
    bin_N: npt.NDArray[np.integer[Any]]
    colorfulness: float
    ssim: SsimReference
    centers_Q2: FloatArray


@dataclass(frozen=True)
class PhotoScore:
    """What one prediction of one photo adds to the totals.

    Attributes:
        table_QD: pixels by true bin and distance.
        hits_Q: pixels by true bin whose predicted bin is the same one.
        error, values: sum of squared differences of the RGB pictures, and how many were summed.
        measured: what the scores that look at the prediction itself measured, by key.
        true_colorfulness, lightness: of the photo; the mean L, 0 to 100.
        hue_SK: see `metrics.hue`.
    """

    table_QD: Table
    hits_Q: npt.NDArray[np.int64]
    error: int
    values: int
    measured: Mapping[str, float]
    true_colorfulness: float
    lightness: float
    hue_SK: Table


def truth(rgb_HW3: Picture, centers_Q2: FloatArray) -> Truth:
    """Prepare a photo, (H, W, 3) uint8, for scoring in the bins `centers_Q2`."""
    lab_HW3 = rgb_to_lab(rgb_HW3)
    ab_N2 = np.ascontiguousarray(lab_HW3[..., 1:]).reshape(-1, 2)
    bin_N = nearest_bin(ab_N2, centers_Q2)
    reference = SsimReference(rgb_HW3)
    return Truth(rgb_HW3, lab_HW3, ab_N2, bin_N, colorfulness(rgb_HW3), reference, centers_Q2)


def score(true: Truth, ab_HW2: FloatArray, rgb_HW3: Picture) -> PhotoScore:
    """Score a prediction.

    Args:
        ab_HW2: its ab in Lab units, before any clipping (AuC and bin accuracy).
        rgb_HW3: its picture, clipped and rounded (PSNR, SSIM and colorfulness).
    """
    from huescape.metrics.scores import METRICS  # each of them looks at what is defined here

    bins = len(true.centers_Q2)
    ab_N2 = ab_HW2.reshape(-1, 2)
    predicted_N = nearest_bin(ab_N2, true.centers_Q2)
    measured = {metric.key: metric.measure(true, ab_HW2, rgb_HW3) for metric in METRICS}
    return PhotoScore(
        table_QD=distance_table(ab_N2, true.ab_N2, true.bin_N, bins),
        hits_Q=accuracy.hits(predicted_N, true.bin_N, bins),
        error=squared_error(rgb_HW3, true.rgb_HW3),
        values=rgb_HW3.size,
        measured={key: value for key, value in measured.items() if value is not None},
        true_colorfulness=true.colorfulness,
        lightness=float(true.lab_HW3[..., 0].mean(dtype=np.float64)),
        hue_SK=hue_table(ab_N2, true.ab_N2),
    )
