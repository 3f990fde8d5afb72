"""Colors that need no training; a table without them says nothing.

`gray` has no color, `prior_mean` and `prior_mode` paint everything in the mean or the most frequent
color of the training photos, `random_photo` takes the colors of a random training photo. Two have
seen the truth: `oracle_mean` paints a photo in its own mean color, and `ground_truth` is the photo
itself. `metrics.names` lists them.

Shape suffixes: H rows, W columns, N pixels, 2 chroma channels, Q bins.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

FloatArray = npt.NDArray[np.floating[Any]]


def prior_mean(prior_Q: FloatArray, centers_Q2: FloatArray) -> npt.NDArray[np.float64]:
    """The prior's mean color (2,): the bins' colors weighted by their mass."""
    prior_Q = np.asarray(prior_Q, np.float64)
    return np.asarray((prior_Q[:, None] * centers_Q2).sum(axis=0) / prior_Q.sum())


def prior_mode(prior_Q: FloatArray, centers_Q2: FloatArray) -> npt.NDArray[np.float64]:
    """The color (2,) of the bin with most mass, the first one at a tie."""
    return np.asarray(centers_Q2[int(np.argmax(prior_Q))], np.float64)


def oracle_mean(ab_N2: FloatArray) -> npt.NDArray[np.float64]:
    """The mean (2,) of a photo's true ab."""
    return np.asarray(ab_N2.mean(axis=0, dtype=np.float64))


def constant(color: FloatArray, height: int, width: int) -> npt.NDArray[np.float32]:
    """A plane (H, W, 2) of one color (2,)."""
    plane_HW2 = np.empty((height, width, 2), np.float32)
    # Channel by channel: NumPy is slow at copying pairs.
    plane_HW2[..., 0], plane_HW2[..., 1] = color
    return plane_HW2


def pick(photo: str, count: int) -> int:
    """A number in 0..count-1 that depends on the photo's id alone."""
    return int(hashlib.sha256(photo.encode()).hexdigest()[:13], 16) % count


def resized(chroma_HW2: FloatArray, height: int, width: int) -> npt.NDArray[np.float32]:
    """Another photo's chroma stretched bilinearly to (height, width, 2)."""
    planes = torch.from_numpy(np.ascontiguousarray(chroma_HW2, np.float32)).permute(2, 0, 1)
    fitted = torch.nn.functional.interpolate(
        planes[None], size=(height, width), mode="bilinear", align_corners=False
    )
    result: npt.NDArray[np.float32] = fitted[0].permute(1, 2, 0).contiguous().numpy()
    return result
