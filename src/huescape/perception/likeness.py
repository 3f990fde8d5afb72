"""How far the colored photos are from the true ones as a set, in the features of Lite0.

Shape suffixes: N photos, P predictions, F features, R resamplings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics.bootstrap import draws, interval
from huescape.metrics.names import TRUTH
from huescape.perception.distances import frechet, kernel_distance, pair_terms, resampled
from huescape.perception.pictures import GRAY, PREDICTIONS

FRECHET, KERNEL = "frechet_lite0", "kernel_lite0"
#: Fewer give no covariance of a half.
LEAST = 4
#: Above that, N squared terms no longer fit into memory, and intervals are left out.
_MOST_RESAMPLED = 4_000

Features = npt.NDArray[np.floating[Any]]


def likeness(features_NPF: Features, ids: Sequence[str]) -> dict[str, Any] | None:
    """The distances of every prediction from the truth; None for fewer than LEAST photos.

    `frechet_lite0` and `kernel_lite0` are those of the same photos, true and colored. `apart` has
    them of one half of the photos as they are and the other half as predicted, and `floor` those of
    the two halves as they are: what such few photos give where nothing is wrong.
    """
    if len(ids) < LEAST:
        return None
    first, second = _halves(ids)
    true_NF = features_NPF[:, PREDICTIONS.index(TRUTH)]
    floor = {
        "photos": len(first),
        FRECHET: frechet(true_NF[first], true_NF[second]),
        KERNEL: kernel_distance(true_NF[first], true_NF[second]),
    }
    found: dict[str, Any] = {}
    for p, name in enumerate(PREDICTIONS):
        if name != TRUTH:
            found[name] = {
                FRECHET: frechet(true_NF, features_NPF[:, p]),
                KERNEL: kernel_distance(true_NF, features_NPF[:, p]),
                "apart": {
                    FRECHET: frechet(true_NF[first], features_NPF[second, p]),
                    KERNEL: kernel_distance(true_NF[first], features_NPF[second, p]),
                },
            }
    if len(ids) <= _MOST_RESAMPLED:
        _add_intervals(found, features_NPF)
    return {
        "photos": len(ids),
        "features": features_NPF.shape[-1],
        "floor": floor,
        "predictions": found,
    }


def _add_intervals(found: dict[str, Any], features_NPF: Features) -> None:
    """Of the kernel distance, and of its difference from gray's, by the paired bootstrap."""
    true_NF = features_NPF[:, PREDICTIONS.index(TRUTH)]
    drawn: dict[str, npt.NDArray[np.float64]] = {}
    for name in found:
        terms_NN = pair_terms(true_NF, features_NPF[:, PREDICTIONS.index(name)])
        drawn[name] = resampled(terms_NN, draws(len(true_NF)))
    for name, said in found.items():
        said["kernel_interval"] = interval(drawn[name])
        if name != GRAY:
            said["kernel_minus_gray"] = {
                "value": said[KERNEL] - found[GRAY][KERNEL],
                "interval": interval(drawn[name] - drawn[GRAY]),
            }


def _halves(ids: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Two halves of one size, by the digests of the ids: the same for every system."""
    digests = [hashlib.sha256(f"half {photo}".encode()).hexdigest() for photo in ids]
    order_N = np.argsort(np.array(digests), kind="stable")
    half = len(ids) // 2
    return order_N[:half], order_N[half : 2 * half]
