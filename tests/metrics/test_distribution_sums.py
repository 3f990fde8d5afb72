"""What photos add to bits and calibration gives the totals again, of all photos and of some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from huescape.metrics.calibration import DistributionTotals
from huescape.metrics.distribution_sums import DistributionSums

BINS, PHOTOS = 5, 6


def photo(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits (Q, P) and true bins (P,); every photo has another number of positions."""
    rng = np.random.default_rng(number)
    count = 20 + 7 * number
    return rng.normal(0, 2, (BINS, count)).astype(np.float32), rng.integers(0, BINS, count)


def totals(numbers: list[int], temperature: float) -> DistributionTotals:
    found = DistributionTotals(temperature)
    for number in numbers:
        found.add(found.part(*photo(number)))
    return found


@pytest.fixture(scope="module")
def sums() -> DistributionSums:
    both = [totals([*range(PHOTOS)], temperature) for temperature in (1.0, 0.7)]
    centers_Q2 = np.arange(2.0 * BINS).reshape(BINS, 2)
    return DistributionSums.of([f"p{n}" for n in range(PHOTOS)], centers_Q2, both)


def expected(numbers: list[int]) -> dict[str, float]:
    plain, fitted = totals(numbers, 1.0), totals(numbers, 0.7)
    return {
        "bits_per_pixel": plain.bits(),
        "ece": plain.calibration_error(),
        "bits_fitted": fitted.bits(),
        "calibration_error": fitted.calibration_error(),
    }


@pytest.mark.parametrize("numbers", [[*range(PHOTOS)], [0, 3, 3, 3, 5], [2]])
def test_photos_taken_any_number_of_times(sums: DistributionSums, numbers: list[int]) -> None:
    times_RN = np.bincount(numbers, minlength=PHOTOS)[None].astype(float)
    found = {key: float(values_R[0]) for key, values_R in sums.scores(times_RN).items()}
    assert found == pytest.approx(expected(numbers), abs=1e-9)


def test_chosen_photos_alone(sums: DistributionSums) -> None:
    some = sums.of_photos(np.array([False, True, False, False, True, True]))
    assert some.ids_N.tolist() == ["p1", "p4", "p5"]
    found = {key: float(values_R[0]) for key, values_R in some.scores(np.ones((1, 3))).items()}
    assert found == pytest.approx(expected([1, 4, 5]), abs=1e-9)


def test_without_a_fitted_temperature_only_the_plain_scores() -> None:
    one = DistributionSums.of(["p0"], np.zeros((BINS, 2)), [totals([0], 1.0)])
    assert set(one.scores(np.ones((1, 1)))) == {"bits_per_pixel", "ece"}


def test_arrays_that_do_not_fit_are_refused(sums: DistributionSums) -> None:
    for broken in ({"bits_TN": np.zeros((2, 5))}, {"count_TNB": np.zeros((2, 6, 3), int)}):
        with pytest.raises(HuescapeError, match="do not fit together"):
            replace(sums, **broken)
