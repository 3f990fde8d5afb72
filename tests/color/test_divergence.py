"""Entropy and divergences, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as scipy_entropy

from huescape.color.divergence import entropy, jensen_shannon, kullback_leibler


@pytest.mark.parametrize("seed", range(5))
def test_the_same_as_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p_Q, q_Q = rng.dirichlet(np.full(20, 0.3), 2)
    p_Q[3] = 0
    p_Q /= p_Q.sum()
    assert entropy(p_Q) == pytest.approx(scipy_entropy(p_Q, base=2))
    assert kullback_leibler(p_Q, q_Q) == pytest.approx(scipy_entropy(p_Q, q_Q, base=2))
    assert jensen_shannon(p_Q, q_Q) == pytest.approx(jensenshannon(p_Q, q_Q, 2) ** 2)


def test_each_along_the_last_axis() -> None:
    """Of histograms, most of whose bins are empty on both sides."""
    p_23Q, q_23Q = np.random.default_rng(0).dirichlet(np.full(256, 0.05), (2, 2, 3))
    p_23Q[..., :9] = 0
    q_23Q[..., 5:20] = 0
    p_23Q, q_23Q = (one / one.sum(axis=-1, keepdims=True) for one in (p_23Q, q_23Q))
    theirs_23 = jensenshannon(p_23Q, q_23Q, 2, axis=-1) ** 2
    assert jensen_shannon(p_23Q, q_23Q) == pytest.approx(theirs_23)
    for found, one in (
        (kullback_leibler(p_23Q, q_23Q), kullback_leibler),
        (jensen_shannon(p_23Q, q_23Q), jensen_shannon),
    ):
        assert found.shape == (2, 3)
        assert found[1, 2] == one(p_23Q[1, 2], q_23Q[1, 2])


def test_the_ends_of_their_ranges() -> None:
    one, other, even = np.eye(4)[0], np.eye(4)[1], np.full(4, 0.25)
    assert (entropy(one), entropy(even)) == (0, 2)
    assert (kullback_leibler(even, even), jensen_shannon(even, even)) == (0, 0)
    assert (kullback_leibler(one, other), jensen_shannon(one, other)) == (np.inf, 1)
    assert kullback_leibler(one, even) == 2
