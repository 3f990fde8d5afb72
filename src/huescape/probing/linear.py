"""A linear classifier of features, as strong as validation photos say, and how often it is right.

Shape suffixes: N photos, F features, K categories, R resamplings.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics.bootstrap import draws, interval

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

#: Inverse strengths of the penalty of squares that are tried; equal ones are settled by the lowest.
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_STEPS = 1000
# Of a feature's own size: what varies less is rounding, which division would make a feature of.
_CONSTANT = 1e-6


@dataclass(frozen=True)
class Fitted:
    """What was chosen, and what it says of the test photos.

    Attributes:
        strength: the C of scikit-learn.
        validation: share of the validation photos that it is right about.
        converged: whether the fit came to its end.
        predicted_N: labels of the test photos.
    """

    strength: float
    validation: float
    converged: bool
    predicted_N: npt.NDArray[np.int64]


def probe(features: Mapping[str, Array], labels: Mapping[str, Array]) -> Fitted:
    """Learn of `train`, choose by `val`, and say what `test` is: arrays (N, F) and (N,) by split.

    Features are brought to mean 0 and deviation 1 over the training photos; those that do not vary
    are 0. The classifier is multinomial logistic regression (scikit-learn, L-BFGS, float64), on one
    thread, so that equal features give equal bytes.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    scaled = _standardized(features)
    best: tuple[float, Any, float] | None = None
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge is in the record
        for strength in STRENGTHS:
            model = LogisticRegression(C=strength, max_iter=_STEPS)
            model.fit(scaled["train"], labels["train"])
            share = float((model.predict(scaled["val"]) == labels["val"]).mean())
            if best is None or share > best[0]:
                best = share, model, strength
        assert best is not None
        predicted_N = best[1].predict(scaled["test"]).astype(np.int64)
    converged = bool(best[1].n_iter_.max() < _STEPS)
    return Fitted(best[2], best[0], converged, predicted_N)


def _standardized(features: Mapping[str, Array]) -> dict[str, Floats]:
    train_NF = features["train"].astype(np.float64)
    mean_F, deviation_F = train_NF.mean(axis=0), train_NF.std(axis=0)
    varies_F = deviation_F > _CONSTANT * np.abs(train_NF).max(axis=0)
    factor_F = np.where(varies_F, 1 / np.where(varies_F, deviation_F, 1), 0)
    return {
        split: (x_NF.astype(np.float64) - mean_F) * factor_F for split, x_NF in features.items()
    }


def accuracies(right_N: Array, label_N: Array, times_RN: Floats) -> dict[str, Floats]:
    """`accuracy` and `balanced`, (R,), where each photo counts `times_RN` times.

    The first is the share of photos that are right, the second the mean of that share over the
    categories that have a photo.
    """
    right_N = right_N.astype(np.float64)
    of_NK = (label_N[:, None] == np.unique(label_N)[None, :]).astype(np.float64)
    photos_RK, right_RK = times_RN @ of_NK, times_RN @ (of_NK * right_N[:, None])
    with np.errstate(invalid="ignore"):
        balanced_R = np.nanmean(right_RK / photos_RK, axis=1)
    return {"accuracy": times_RN @ right_N / times_RN.sum(axis=1), "balanced": balanced_R}


def measured(right_N: Array, label_N: Array, other_N: Array | None = None) -> dict[str, Any]:
    """{score: value and 95 % interval over test photos} of `right_N`, less `other_N` where given.

    Both are (N,) bool. The draws are those of all bootstraps here, so that intervals are paired.
    """

    def scores(times_RN: Floats) -> dict[str, Floats]:
        found = accuracies(right_N, label_N, times_RN)
        if other_N is None:
            return found
        others = accuracies(other_N, label_N, times_RN)
        return {name: values_R - others[name] for name, values_R in found.items()}

    blocks = [scores(times_RN) for times_RN in draws(len(label_N))]
    whole = scores(np.ones((1, len(label_N))))
    resampled = {name: np.concatenate([block[name] for block in blocks]) for name in whole}
    return {
        name: {"value": float(whole[name][0]), "interval": list(interval(resampled[name]))}
        for name in whole
    }
