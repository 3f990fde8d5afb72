"""One photo scored with every prediction, and the reading of the scoring bins and prior."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.color.spaces import SPACES, rgb_to_lab
from huescape.evaluation.scoring import Reference, Task, read_reference, score_photo
from huescape.metrics.auc import auc
from huescape.metrics.chroma import unclipped_ab
from huescape.metrics.names import BASELINES

CENTERS_Q2 = gamut_centers()
KEPT = ("1", "0.5", *BASELINES)


def reference() -> Reference:
    prior_Q = np.exp(-np.linalg.norm(CENTERS_Q2 - [10, 10], axis=1) / 20)
    return Reference(CENTERS_Q2, prior_Q / prior_Q.sum(), 1 / prior_Q)


def task(space: str, **changes: object) -> Task:
    """A photo that a system of `space` predicted perfectly by one decoding, dully by another."""
    rng = np.random.default_rng(0)
    rgb_HW3 = rng.integers(40, 216, (16, 20, 3), dtype=np.uint8)
    donor_HW3 = rng.integers(40, 216, (9, 11, 3), dtype=np.uint8)
    chroma_HW2 = SPACES[space].from_rgb(rgb_HW3)[..., 1:]
    chroma = {"1": chroma_HW2, "0.5": chroma_HW2 / 2}
    return Task("photo", rgb_HW3, chroma, donor_HW3, keep=KEPT, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("space", ["lab", "yuv"])
def test_a_perfect_prediction_of_either_space(space: str) -> None:
    made = task(space)
    found = score_photo(made, reference(), SPACES[space])
    assert set(found.scores) == {"1", "0.5", *BASELINES}
    # YUV goes to ab by way of rounded floats: off by less than one threshold of 150.
    assert auc(found.scores["1"].table_QD) == pytest.approx(1, abs=0.5 / 150 + 1e-9)
    assert found.scores["1"].error == 0
    assert (found.pictures["1"] == made.rgb_HW3).all()
    assert auc(found.scores["0.5"].table_QD) < 0.99
    assert found.scores["0.5"].measured["colorfulness"] < found.scores["1"].measured["colorfulness"]


def test_a_prediction_beyond_the_gamut_is_scored_before_clipping() -> None:
    made = task("yuv")
    chroma_HW2 = made.chroma["1"] * 3
    wild = Task("photo", made.rgb_HW3, {"1": chroma_HW2}, made.donor_HW3, keep=())
    found = score_photo(wild, reference(), SPACES["yuv"]).scores["1"]
    lightness_HW = SPACES["yuv"].from_rgb(made.rgb_HW3)[..., 0]
    offset_HW2 = unclipped_ab(lightness_HW, chroma_HW2, "yuv") - rgb_to_lab(made.rgb_HW3)[..., 1:]
    oracle = 1 - np.minimum(np.linalg.norm(offset_HW2, axis=-1), 150).mean() / 150
    assert auc(found.table_QD) == pytest.approx(oracle, abs=2e-3)


def test_baselines() -> None:
    made = task("lab")
    found = score_photo(made, reference(), SPACES["lab"])
    scores = {name: auc(score.table_QD) for name, score in found.scores.items()}
    assert scores["ground_truth"] == 1
    assert found.scores["ground_truth"].error == 0
    ab_HW2 = rgb_to_lab(made.rgb_HW3)[..., 1:]
    expected = {
        "gray": np.zeros(2),
        "prior_mean": (reference().empirical_Q[:, None] * CENTERS_Q2).sum(axis=0),
        "prior_mode": np.array([10.0, 10.0]),
        "oracle_mean": ab_HW2.reshape(-1, 2).mean(axis=0),
    }
    for name, color in expected.items():
        distance_HW = np.linalg.norm(ab_HW2 - color, axis=-1)
        oracle = 1 - np.minimum(distance_HW, 150).mean() / 150
        assert scores[name] == pytest.approx(oracle, abs=1e-3), name
    assert scores["random_photo"] < 1
    assert np.ptp(found.pictures["gray"].astype(int), axis=-1).max() <= 1


def test_every_prediction_keeps_the_lightness() -> None:
    made = task("lab")
    found = score_photo(made, reference(), SPACES["lab"])
    lightness_HW = rgb_to_lab(made.rgb_HW3)[..., 0]
    for name in ("0.5", "gray"):
        kept_HW = rgb_to_lab(found.pictures[name])[..., 0]
        assert np.abs(kept_HW - lightness_HW).max() < 0.6, name


def test_pictures_only_if_wanted() -> None:
    made = task("lab")
    plain = Task(made.photo, made.rgb_HW3, made.chroma, made.donor_HW3, keep=())
    assert score_photo(plain, reference(), SPACES["lab"]).pictures == {}


def files(folder: Path, bins: int = 313, prior: int = 313) -> tuple[Path, Path]:
    np.savez(folder / "bins.npz", centers=CENTERS_Q2[:bins], counts=np.ones(bins, int))
    mass_Q = np.arange(prior, dtype=float)
    other_Q = np.ones(prior)  # what must not be taken for the smoothed prior
    np.savez(folder / "prior.npz", empirical=other_Q, smoothed=mass_Q, weights=other_Q)
    return folder / "bins.npz", folder / "prior.npz"


def test_weights_are_those_of_lambda_zero_of_the_smoothed_prior(tmp_path: Path) -> None:
    found = read_reference(*files(tmp_path))
    assert (found.empirical_Q == 1).all()
    assert found.weight_Q[0] == 0  # no mass, no weight
    assert found.weight_Q[1:] * np.arange(1, 313) == pytest.approx(found.weight_Q[1])


def test_a_prior_of_other_bins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"prior\.npz: empirical has shape \(20,\).*313 bins"):
        read_reference(*files(tmp_path, prior=20))


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    bins, prior = files(tmp_path)
    with pytest.raises(HuescapeError, match=r"nothing\.npz: no such file"):
        read_reference(tmp_path / "nothing.npz", prior)
    with pytest.raises(HuescapeError, match=r"bins\.npz: has no array 'empirical'"):
        read_reference(bins, bins)
    prior.write_bytes(prior.read_bytes()[:50])
    with pytest.raises(HuescapeError, match=r"prior\.npz: is not a readable"):
        read_reference(bins, prior)
    prior.write_bytes(b"")
    with pytest.raises(HuescapeError, match=r"prior\.npz: is not a readable"):
        read_reference(bins, prior)
