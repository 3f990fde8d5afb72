"""One synthetic photograph of a category. Legend: H, W picture; 3 = RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from huescape.base.errors import HuescapeError
from huescape.landscapes.light import develop
from huescape.landscapes.scenes import SCENES

NOT_LANDSCAPE = "s/street"
CATEGORIES: tuple[str, ...] = tuple(name for name in sorted(SCENES) if name != NOT_LANDSCAPE)
_SMALLEST = 16


def render_scene(
    category: str, rng: np.random.Generator, width: int, height: int
) -> NDArray[np.uint8]:
    """A landscape of `category` (one of CATEGORIES, or NOT_LANDSCAPE), sRGB uint8 (H, W, 3).

    The picture is a function of the generator's state alone. Raises HuescapeError for an unknown
    category or a side below 16 pixels.
    """
    if category not in SCENES:
        known = ", ".join(sorted(SCENES))
        raise HuescapeError(f"sample source: unknown category {category!r}; known: {known}")
    if min(width, height) < _SMALLEST:
        raise HuescapeError(f"sample source: {width}x{height} is below {_SMALLEST} pixels a side")
    light_3HW = SCENES[category](rng, width, height)
    return develop(light_3HW, rng)
