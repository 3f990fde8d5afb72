"""Whether a picture has colors of its own: a print in one tone, such as sepia, has none.

Shape suffixes: H rows, W columns, N = H * W pixels, 2 chroma channels (ab).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_LEVELS = 16
#: The `own_chroma` below which a picture counts as gray or in one tone: most old prints, which
#: were found from 0 to 1.7, and hardly a photograph of one hue, such as dunes, found from 1.2.
ONE_TONE = 1.2


def own_chroma(lab_HW3: npt.NDArray[np.floating[Any]]) -> float:
    """Mean distance in ab of the pixels from the mean ab of all pixels about as light.

    0 of a gray picture, and of one in a single tone that depends on the lightness alone.

    Args:
        lab_HW3: CIE Lab, (H, W, 3) or (N, 3).
    """
    lab_N3 = lab_HW3.reshape(-1, 3).astype(np.float64)
    level_N = np.clip(lab_N3[:, 0] / 100 * _LEVELS, 0, _LEVELS - 1).astype(np.intp)
    counts = np.maximum(np.bincount(level_N, minlength=_LEVELS), 1)
    away_2N = [
        ab_N - (np.bincount(level_N, ab_N, _LEVELS) / counts)[level_N] for ab_N in lab_N3.T[1:]
    ]
    return float(np.hypot(*away_2N).mean())
