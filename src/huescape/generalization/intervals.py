"""A system's scores on a source, gray's, and their difference, with intervals over photos."""

from __future__ import annotations

import numpy as np
import pandas as pd

from huescape.base.tables import NUMBER, TEXT, frame
from huescape.metrics.bootstrap import interval, resampled
from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import METRICS

GRAY = "gray"


def intervals(photos: PhotoSums, headline: str) -> pd.DataFrame:
    """A row for each score that is kept photo by photo: values, and 95 % bootstrap intervals.

    Columns: `score`; `system`, `gray` and `difference` (of the two, on the same photos), each with
    `_low` and `_high`. `headline` is the prediction that is the system's.
    """
    whole_1N = np.ones((1, len(photos.ids_N)))
    pixels_1Q = photos.pixel_sums(whole_1N)
    sums = [photos.sums(name, whole_1N, pixels_1Q) for name in (headline, GRAY)]
    drawn = resampled([(photos, headline), (photos, GRAY)])
    rows: list[list[object]] = []
    for metric in METRICS:
        values = [metric.of_sums(one) for one in sums]
        if values[0] is None or values[1] is None:
            continue
        own, gray = float(values[0][0]), float(values[1][0])
        own_R, gray_R = (one[metric.key] for one in drawn)
        with np.errstate(invalid="ignore"):
            sides = ((own, own_R), (gray, gray_R), (own - gray, own_R - gray_R))
        cells = [x for value, values_R in sides for x in (value, *interval(values_R))]
        rows.append([metric.key, *cells])
    columns = [f"{side}{end}" for side in ("system", GRAY, "difference") for end in _ENDS]
    return frame(rows, {"score": TEXT, **dict.fromkeys(columns, NUMBER)})


_ENDS = ("", "_low", "_high")
