"""Linear classifiers of features with a known answer, and their accuracies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from huescape.metrics.bootstrap import draws, interval
from huescape.probing.linear import STRENGTHS, accuracies, measured, probe

LABELS = {split: np.arange(n) % 3 for split, n in (("train", 90), ("val", 45), ("test", 60))}


def made(told: float, seed: int = 0) -> dict[str, np.ndarray]:
    """Features of noise, of which three hold the label to that degree; one never varies."""
    rng = np.random.default_rng(seed)
    found = {}
    for split, label_N in LABELS.items():
        features_NF = rng.normal(size=(len(label_N), 20)).astype(np.float32)
        features_NF[:, :3] += told * np.eye(3, dtype=np.float32)[label_N]
        features_NF[:, 3] = 1e6
        found[split] = 50 * features_NF + 7
    return found


def test_what_holds_the_label_is_read_and_noise_is_not() -> None:
    holds = probe(made(8.0), LABELS)
    assert (holds.predicted_N == LABELS["test"]).mean() == 1
    assert holds.validation == 1
    assert holds.converged
    noise = probe(made(0.0), LABELS)
    assert (noise.predicted_N == LABELS["test"]).mean() < 0.55
    assert holds.strength in STRENGTHS
    assert noise.strength in STRENGTHS


def test_the_strength_is_the_lowest_of_those_that_validation_photos_like_best() -> None:
    from sklearn.linear_model import LogisticRegression

    features = made(1.2)
    found = probe(features, LABELS)
    train = features["train"].astype(np.float64)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation[3] = np.inf
    scaled = {split: (x - mean) / deviation for split, x in features.items()}
    shares, predictions = [], []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=1000).fit(scaled["train"], LABELS["train"])
        shares.append((model.predict(scaled["val"]) == LABELS["val"]).mean())
        predictions.append(model.predict(scaled["test"]))
    best = int(np.argmax(shares))
    assert (found.strength, found.validation) == (STRENGTHS[best], shares[best])
    np.testing.assert_array_equal(found.predicted_N, predictions[best])


def test_accuracies_are_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    label_N, predicted_N = rng.integers(0, 4, 80), rng.integers(0, 4, 80)
    right_N = label_N == predicted_N
    found = measured(right_N, label_N)
    assert found["accuracy"]["value"] == pytest.approx(right_N.mean())
    assert found["balanced"]["value"] == pytest.approx(
        balanced_accuracy_score(label_N, predicted_N)
    )
    times_N = next(draws(80))[7]
    drawn = np.repeat(np.arange(80), times_N.astype(int))
    once = accuracies(right_N, label_N, times_N[None])
    assert once["accuracy"][0] == pytest.approx(right_N[drawn].mean())
    assert once["balanced"][0] == pytest.approx(
        balanced_accuracy_score(label_N[drawn], predicted_N[drawn])
    )


def test_intervals_are_over_photos_and_differences_paired() -> None:
    rng = np.random.default_rng(4)
    label_N, right_N = rng.integers(0, 3, 60), rng.random(60) < 0.6
    shares_R = np.concatenate([times_RN @ right_N / 60 for times_RN in draws(60)])
    found = measured(right_N, label_N)
    assert found["accuracy"]["interval"] == pytest.approx(interval(shares_R))
    same = measured(right_N, label_N, right_N)
    assert same["accuracy"] == {"value": 0, "interval": [0, 0]}
    other_N = right_N.copy()
    other_N[:10] = False
    assert measured(right_N, label_N, other_N)["accuracy"]["interval"][0] > 0
