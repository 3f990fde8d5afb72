"""Distances of predictions of the same photos, of the two halves, and what few photos give."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.metrics.names import TRUTH
from huescape.perception.distances import frechet, kernel_distance
from huescape.perception.likeness import FRECHET, KERNEL, likeness
from huescape.perception.pictures import PREDICTIONS

IDS = [f"photo/{n}" for n in range(41)]
TRUE = PREDICTIONS.index(TRUTH)


def features(far: float) -> np.ndarray:
    """Gray is `far` from the truth, the others twice that, the system is the truth itself."""
    true = np.random.default_rng(0).normal(size=(len(IDS), 8))
    steps = {TRUTH: 0.0, "system": 0.0, "gray": far}
    return np.stack([true + steps.get(name, 2 * far) for name in PREDICTIONS], axis=1)


def test_distances_are_from_the_truth() -> None:
    found = likeness(features(1.0), IDS)
    assert found is not None
    told = found["predictions"]
    assert TRUTH not in told
    assert told["gray"][FRECHET] == pytest.approx(8)
    assert told["random_photo"][FRECHET] == pytest.approx(32)
    assert told["system"][FRECHET] == pytest.approx(0, abs=1e-9)
    assert told["system"][KERNEL] == pytest.approx(0, abs=1e-9)
    low, high = told["gray"]["kernel_interval"]
    assert low < told["gray"][KERNEL] < high
    low, high = told["system"]["kernel_minus_gray"]["interval"]
    assert low < high < 0
    assert (found["photos"], found["features"]) == (41, 8)


def test_the_floor_is_of_two_halves_that_share_no_photo() -> None:
    """What is measured of a prediction that is the truth, on other photos, is the floor."""
    values = features(0.0)
    found = likeness(values, IDS)
    assert found is not None
    floor = found["floor"]
    assert floor["photos"] == 20
    assert floor[FRECHET] > 0.1
    for name in ("gray", "system"):
        assert found["predictions"][name]["apart"][FRECHET] == pytest.approx(floor[FRECHET])
        assert found["predictions"][name]["apart"][KERNEL] == pytest.approx(floor[KERNEL])
    order = np.random.default_rng(3).permutation(len(IDS))  # of the ids alone, in any order
    again = likeness(values[order], [IDS[n] for n in order])
    assert again is not None
    assert again["floor"][FRECHET] == pytest.approx(floor[FRECHET])
    true = values[:, TRUE]
    assert frechet(true, true) < floor[FRECHET] > kernel_distance(true, true)


def test_too_few_photos_have_none() -> None:
    assert likeness(features(1.0)[:3], IDS[:3]) is None
    assert likeness(features(1.0)[:4], IDS[:4]) is not None


def test_many_photos_have_no_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huescape.perception.likeness._MOST_RESAMPLED", 40)
    found = likeness(features(1.0), IDS)
    assert found is not None
    assert "kernel_interval" not in found["predictions"]["gray"]
    assert found["predictions"]["gray"][FRECHET] == pytest.approx(8)
