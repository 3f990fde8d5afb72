"""What a network is shown of a faded print: its lightness, from black to white again.

A network has learned from photos that mostly reach from black to white. On a print whose blacks
have become gray and whose paper has yellowed it guesses worse, and what it is shown need not be
what is painted on: the result keeps the print's own lightness.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.color.spaces import Space

FloatArray = npt.NDArray[np.floating[Any]]

#: A picture counts as faded where, of lightness 0 to 1, it is nowhere darker and nowhere lighter
#: than these, but for a few pixels.
DARKEST, LIGHTEST = 0.12, 0.90
# Percent of the pixels at either end that are such a few; and what the stretch lets go.
_FEW, _CLIPPED = 0.5, 0.1
_LEAST_RANGE = 0.02


def restored(lightness_hw: FloatArray, space: Space) -> npt.NDArray[np.float32]:
    """The lightness of a picture, in units of `space`, from black to white if it has faded.

    The darkest and the lightest thousandth of the pixels become black and white. A picture that has
    either already stays as it is, and so does one of a single lightness.
    """
    low, high = space.lightness_range
    percents = (_CLIPPED, _FEW, 100 - _FEW, 100 - _CLIPPED)
    black, dark, light, white = np.percentile((lightness_hw - low) / (high - low), percents)
    if dark <= DARKEST or light >= LIGHTEST or white - black < _LEAST_RANGE:
        return np.asarray(lightness_hw, np.float32)
    share_hw = ((lightness_hw - low) / (high - low) - black) / (white - black)
    return np.asarray(np.clip(share_hw, 0, 1) * (high - low) + low, np.float32)
