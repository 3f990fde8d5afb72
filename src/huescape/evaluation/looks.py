"""What a network's outputs say of one photo, beside its colors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huescape.evaluation.confidence import Confidence, confidence
from huescape.evaluation.distributions import Distributions, PositionSums
from huescape.evaluation.passes import Seen
from huescape.evaluation.temperatures import at_temperatures
from huescape.systems.system import System


@dataclass(frozen=True)
class Look:
    """Nothing of it is there for a regression.

    Attributes:
        sums: what its positions add to `Distributions`.
        confidence: of a photo that is shown.
        annealed: of a photo that is shown at several temperatures, (T, H, W, 3).
    """

    sums: PositionSums | None = None
    confidence: Confidence | None = None
    annealed: npt.NDArray[np.uint8] | None = None


def look(
    system: System,
    seen: Seen,
    measured: Distributions | None,
    *,
    is_shown: bool = False,
    is_annealed: bool = False,
) -> Look:
    """Look at a photo; `measured` knows the fitted temperature and is not changed."""
    return Look(
        measured.of(seen) if measured else None,
        confidence(system, seen) if is_shown else None,
        at_temperatures(system, seen) if is_annealed else None,
    )
