"""The bootstrap over photos against SciPy's, against a plain loop, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from huescape.metrics import auc, bootstrap
from huescape.metrics.photo_parts import PhotoPart, PhotoParts
from huescape.metrics.photo_sums import PhotoSums

BINS, MACRO_B, WEIGHT_Q = 6, np.array([1, 2, 4]), np.array([1.0, 3.0, 0.0, 2.0, 8.0, 1.0])


def tables(photos: int, seed: int, shift: float) -> np.ndarray:
    """Pixels of each photo by bin and distance, (N, BINS, 152): photos differ in their mean."""
    rng = np.random.default_rng(seed)
    means = rng.gamma(4, 5, photos)
    found = np.zeros((photos, BINS, auc.DISTANCES), np.int64)
    for photo, mean in enumerate(means):
        pixels = int(rng.integers(50, 400))
        distances = np.clip(rng.gamma(2, (mean + shift) / 2, pixels), 0, 151).astype(int)
        np.add.at(found[photo], (rng.integers(0, BINS, pixels), distances), 1)
    return found


def sums_of(*by_prediction: np.ndarray) -> PhotoSums:
    """Predictions "0", "1", ... of the same photos; colorfulness is the photo's number."""
    parts = {
        str(name): PhotoParts(
            PhotoPart.of(table, np.zeros(BINS, np.int64), n, {"colorfulness": float(n)})
            for n, table in enumerate(found)
        )
        for name, found in enumerate(by_prediction)
    }
    ids = [f"p{n}" for n in range(len(by_prediction[0]))]
    return PhotoSums.of(ids, parts, WEIGHT_Q, MACRO_B)


def resampled(photos: PhotoSums, prediction: str) -> dict[str, np.ndarray]:
    return bootstrap.resampled([(photos, prediction)])[0]


def plain(table_NQD: np.ndarray, key: str) -> float:
    """A score of photos by the formulas of `metrics.auc`, from whole tables."""
    total_QD = table_NQD.sum(axis=0)
    if key == "auc":
        return auc.auc(total_QD)
    if key == "auc_rebalanced":
        return auc.weighted_auc(total_QD, WEIGHT_Q)
    seen = [b for b in MACRO_B if total_QD[b].any()]
    return float(np.mean([auc.auc(total_QD[[b]]) for b in seen]))


@pytest.mark.parametrize("key", ["auc", "auc_rebalanced", "auc_macro"])
def test_every_resampling_is_that_of_a_plain_loop(key: str) -> None:
    table_NQD = tables(30, 1, 0.0)
    found = resampled(sums_of(table_NQD), "0")[key]
    assert found.shape == (bootstrap.RESAMPLES,)
    picks = np.random.default_rng(bootstrap.SEED)
    for value in found[:200]:
        assert value == pytest.approx(plain(table_NQD[picks.integers(0, 30, 30)], key), abs=1e-12)


def test_intervals_of_a_difference_agree_with_scipy() -> None:
    one, two = tables(60, 1, 0.0), tables(60, 1, 3.0)
    photos = sums_of(one, two)

    def statistic(units_1, pixels_1, units_2, pixels_2, axis):
        first, second = (
            units_1.sum(axis) / pixels_1.sum(axis),
            units_2.sum(axis) / pixels_2.sum(axis),
        )
        return (first - second) / auc.UNITS

    columns = [
        column
        for table in (one, two)
        for column in (auc.units(table).sum(axis=1), table.sum(axis=(1, 2)))
    ]
    reference = stats.bootstrap(
        columns, statistic, paired=True, vectorized=True, method="percentile",
        n_resamples=20_000, rng=np.random.default_rng(5),
    )  # fmt: skip
    delta_R = resampled(photos, "0")["auc"] - resampled(photos, "1")["auc"]
    low, high = bootstrap.interval(delta_R)
    expected, width = reference.confidence_interval, high - low
    assert low == pytest.approx(expected.low, abs=0.05 * width)
    assert high == pytest.approx(expected.high, abs=0.05 * width)
    assert delta_R.std() == pytest.approx(reference.standard_error, rel=0.04)


def test_draws_are_always_the_same_and_each_has_every_photo_once_on_average() -> None:
    first, again = (np.concatenate([*bootstrap.draws(7)]) for _ in range(2))
    assert (first == again).all()
    assert (first.sum(axis=1) == 7).all()
    assert first.mean(axis=0) == pytest.approx(np.ones(7), abs=0.06)
    # Multinomial: 7 draws of a share of 1/7 each.
    assert first.var(axis=0) == pytest.approx(np.full(7, 6 / 7), abs=0.1)


def test_no_difference_has_an_interval_of_nothing() -> None:
    photos = sums_of(*[tables(12, 3, 0.0)] * 2)
    one, two = (resampled(photos, name) for name in ("0", "1"))
    assert all(bootstrap.interval(one[key] - two[key]) == (0, 0) for key in one)


def test_colorfulness_is_the_mean_of_the_photos_drawn() -> None:
    found = resampled(sums_of(tables(5, 2, 0.0)), "0")["colorfulness"]
    expected = np.concatenate([*bootstrap.draws(5)]) @ np.arange(5) / 5
    assert found == pytest.approx(expected, abs=1e-12)


def test_predictions_of_several_photos_are_each_as_if_alone() -> None:
    """Those of the same photos share their pixels; a bin that does not occur counts nothing."""
    empty = tables(9, 4, 0.0)
    empty[:, 2] = 0
    first, other = sums_of(*[tables(9, 2, 0.0)] * 2), sums_of(empty)
    assert first.shows(first)
    assert not first.shows(other)
    wanted = [(first, "0"), (other, "0"), (first, "1")]
    for one, (photos, name) in zip(bootstrap.resampled(wanted), wanted, strict=True):
        alone = resampled(photos, name)
        assert all((one[key] == alone[key]).all() for key in ("auc", "auc_macro", "colorfulness"))


def test_many_photos_are_drawn_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer resamplings at a time keep the memory, and the draws."""
    whole = np.concatenate([*bootstrap.draws(6, 50)])
    monkeypatch.setattr(bootstrap, "_LEAST", 1)
    monkeypatch.setattr(bootstrap, "_DRAWN", 20)
    blocks = [*bootstrap.draws(6, 50)]
    assert {len(block) for block in blocks} == {3, 2}
    assert (np.concatenate(blocks) == whole).all()


def test_95_of_100_intervals_hold_the_truth() -> None:
    """Difference of two pooled AuCs on 80 photos; the truth is that of very many photos."""
    rng = np.random.default_rng(11)

    def photos(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels, and units of both predictions, of each photo: hard photos are hard for both."""
        pixels_N = rng.integers(50, 400, count)
        hard_N = rng.beta(2, 8, count)
        first_N, second_N = (
            1 - np.clip(hard_N * rng.uniform(0.6, g, count), 0, 1) for g in (1.2, 1.5)
        )
        return pixels_N, *(np.rint(pixels_N * s * auc.UNITS) for s in (first_N, second_N))

    def pooled(units: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        return units.sum(axis=-1) / pixels.sum(axis=-1) / auc.UNITS

    pixels_N, *units = photos(2_000_000)
    truth = pooled(units[0], pixels_N) - pooled(units[1], pixels_N)
    times_RN = np.concatenate([*bootstrap.draws(80, 999)])
    held = 0
    for _ in range(400):
        pixels_N, *units = photos(80)
        one_R, two_R = (times_RN @ u / (times_RN @ pixels_N) / auc.UNITS for u in units)
        low, high = bootstrap.interval(one_R - two_R)
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.975
