"""What a network is shown of a faded print: its lightness, from black to white again.

A network has learned from photos that mostly reach from black to white. On a print whose blacks
have become gray and whose paper has yellowed it guesses worse, and what it is shown need not be
what is painted on: the result keeps the print's own lightness.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

#: A picture counts as faded where it is nowhere darker, and nowhere lighter, but for a few pixels.
DARKEST, LIGHTEST = 0.12, 0.90
# Percent of the pixels at either end that are such a few; and what the stretch lets go.
_FEW, _CLIPPED = 0.5, 0.1
_LEAST_RANGE = 0.02


def is_faded(lightness_hw: FloatArray) -> bool:
    """Whether a picture of lightness 0 to 1 has neither black nor white."""
    dark, light = np.percentile(lightness_hw, (_FEW, 100 - _FEW))
    return bool(dark > DARKEST and light < LIGHTEST)


def stretched(lightness_hw: FloatArray) -> npt.NDArray[np.float32]:
    """Lightness of 0 to 1 scaled so that its darkest becomes 0 and its lightest 1.

    A thousandth of the pixels at either end is clipped; a picture of one lightness stays as it is.
    """
    dark, light = np.percentile(lightness_hw, (_CLIPPED, 100 - _CLIPPED))
    if light - dark < _LEAST_RANGE:
        return np.asarray(lightness_hw, np.float32)
    return np.clip((lightness_hw - dark) / (light - dark), 0, 1).astype(np.float32)
