"""The baselines' colors."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import resize

from huescape.metrics import baselines

CENTERS_Q2 = np.array([[0.0, 0.0], [10.0, -20.0], [-30.0, 40.0]])


def test_prior_mean_and_mode() -> None:
    prior_Q = np.array([1.0, 3.0, 1.0])
    assert baselines.prior_mean(prior_Q, CENTERS_Q2) == pytest.approx([0.0, -4.0])
    assert baselines.prior_mode(prior_Q, CENTERS_Q2).tolist() == [10.0, -20.0]
    assert baselines.prior_mean(prior_Q / 7, CENTERS_Q2) == pytest.approx([0.0, -4.0])
    assert baselines.prior_mode(np.ones(3), CENTERS_Q2).tolist() == [0.0, 0.0]


def test_the_oracle_is_the_mean_of_every_pixel() -> None:
    ab_N2 = np.random.default_rng(1).normal(5, 30, (999, 2)).astype(np.float32)
    expected = [sum(ab_N2[:, k].tolist()) / 999 for k in (0, 1)]
    assert baselines.oracle_mean(ab_N2) == pytest.approx(expected, abs=1e-9)


def test_constant_fills_the_plane() -> None:
    plane_HW2 = baselines.constant(np.array([1.5, -2.5]), 3, 5)
    assert plane_HW2.shape == (3, 5, 2)
    assert plane_HW2.dtype == np.float32
    assert (plane_HW2 == [1.5, -2.5]).all()


def test_pick_depends_on_the_id_alone_and_spreads() -> None:
    picks = [baselines.pick(f"photo{number}", 10) for number in range(500)]
    assert picks == [baselines.pick(f"photo{number}", 10) for number in range(500)]
    counts = np.bincount(picks, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 20


@pytest.mark.parametrize("shape", [(16, 24), (5, 7), (8, 8)])
def test_resized_agrees_with_scikit_image(shape: tuple[int, int]) -> None:
    plane_HW2 = np.random.default_rng(0).uniform(-90, 90, (8, 8, 2))
    found_HW2 = baselines.resized(plane_HW2, *shape)
    expected_HW2 = resize(plane_HW2, shape, order=1, mode="edge", anti_aliasing=False)
    np.testing.assert_allclose(found_HW2, expected_HW2, atol=1e-4)
