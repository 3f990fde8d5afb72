"""The chroma of a photo in the manner that a person chose."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from huescape.coloring.hints import hinted_field
from huescape.coloring.manner import Manner
from huescape.coloring.painting import Field, with_toning
from huescape.coloring.prediction import Prediction
from huescape.coloring.strokes import read_mask


def chosen_field(prediction: Prediction, photo: npt.NDArray[Any], manner: Manner) -> Field:
    """The field to paint a photo, (H, W, 3), with.

    Raises HuescapeError for a mask of hints that cannot be used, ParamsError for a hint outside.
    """
    size = (photo.shape[0], photo.shape[1])
    hints = list(manner.hints)
    if manner.mask is not None:
        hints += read_mask(manner.mask, size)
    field = hinted_field(
        prediction, manner.decoding, hints, size, strength=manner.strength, edges=manner.edges
    )
    return with_toning(field, photo, prediction.system.space) if manner.keep_toning else field
