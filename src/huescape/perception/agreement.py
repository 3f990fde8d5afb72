"""How often a classifier is right, or says of a picture what it says of the photo itself.

Four measures of a prediction, each the share of photos for which it holds:

- `accuracy_top1`, `accuracy_top5`: the photo's class is the likeliest, or one of the five;
- `agreement_top1`, `agreement_top5`: the class that is likeliest on the truth is so here, or is one
  of the five. They need no labels; of the truth they are 1.

Shape suffixes: N photos, P predictions, R resamplings, 5 best classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics.bootstrap import draws, interval
from huescape.metrics.names import TRUTH
from huescape.perception.labels import NO_CLASS
from huescape.perception.pictures import GRAY, PREDICTIONS

ACCURACY = ("accuracy_top1", "accuracy_top5")
AGREEMENT = ("agreement_top1", "agreement_top5")
#: What every prediction is compared with on the same photos.
_COMPARED = (GRAY, TRUTH)

Flags = npt.NDArray[np.bool_]


def holds(best_NP5: npt.NDArray[np.int16], label_N: npt.NDArray[np.int64]) -> dict[str, Flags]:
    """{measure: (N, P)}, whether each holds; accuracy alone where all photos have labels."""
    true_N = best_NP5[:, PREDICTIONS.index(TRUTH), 0]
    found = dict(zip(AGREEMENT, _tops(best_NP5, true_N), strict=True))
    if len(label_N) and (label_N != NO_CLASS).all():
        found = dict(zip(ACCURACY, _tops(best_NP5, label_N), strict=True)) | found
    return found


def _tops(best_NP5: npt.NDArray[np.int16], wanted_N: npt.NDArray[Any]) -> tuple[Flags, Flags]:
    hits_NP5 = best_NP5 == wanted_N[:, None, None]
    return hits_NP5[..., 0], hits_NP5.any(axis=-1)


def shares(measures: dict[str, Flags]) -> dict[str, dict[str, Any]]:
    """{prediction: {measure: `value`, `interval`, `minus_gray`, `minus_truth`}}.

    Intervals are of 95 %, by the paired bootstrap over photos: all predictions see the same draws.
    """
    flags_NX = np.concatenate([f.astype(np.float64) for f in measures.values()], axis=1)
    drawn_RX = np.concatenate([times_RN @ flags_NX for times_RN in draws(len(flags_NX))])
    drawn_RX /= len(flags_NX)
    value_X = flags_NX.mean(axis=0)
    places = {
        (prediction, measure): m * len(PREDICTIONS) + p
        for m, measure in enumerate(measures)
        for p, prediction in enumerate(PREDICTIONS)
    }
    found: dict[str, dict[str, Any]] = {prediction: {} for prediction in PREDICTIONS}
    for (prediction, measure), x in places.items():
        said: dict[str, Any] = {"value": value_X[x], "interval": interval(drawn_RX[:, x])}
        for other in _COMPARED:
            y = places[other, measure]
            name = "minus_" + other.removeprefix("ground_")
            if y != x:
                difference_R = drawn_RX[:, x] - drawn_RX[:, y]
                said[name] = {
                    "value": value_X[x] - value_X[y],
                    "interval": interval(difference_R),
                }
        found[prediction][measure] = said
    return found
