"""The terms of ChromaGAN's losses, each against a slow reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from huescape.losses.chromagan import class_divergence, gradient_penalty
from huescape.networks.critic import Critic


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same numbers each time."""
    torch.manual_seed(0)


def test_class_divergence_is_from_the_teacher() -> None:
    rng = np.random.default_rng(0)
    logits, taught = rng.normal(size=(2, 3, 5)) * 2
    p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (taught, logits))
    expected = np.mean(
        [sum(p[n, k] * np.log(p[n, k] / q[n, k]) for k in range(5)) for n in (0, 1, 2)]
    )
    variable = torch.from_numpy(logits).requires_grad_(True)
    loss = class_divergence(variable, torch.from_numpy(taught))
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert variable.grad is not None
    np.testing.assert_allclose(variable.grad.numpy(), (q - p) / 3, rtol=0, atol=1e-15)


def penalty_by_differences(critic: Critic, gray: Tensor, unit: Tensor, step: float = 1e-6) -> float:
    """The penalty at `unit` chroma in [0, 1], its gradient by central differences."""
    terms = []
    for n in range(len(unit)):
        squares = 0.0
        for place in np.ndindex(*unit.shape[1:]):
            sums = []
            for sign in (1, -1):
                moved = unit[n : n + 1].clone()
                moved[(0, *place)] += sign * step
                sums.append(float(critic(gray[n : n + 1], moved).sum()))
            squares += ((sums[0] - sums[1]) / (2 * step)) ** 2
        terms.append((squares**0.5 - 1) ** 2)
    return float(np.mean(terms))


def test_gradient_penalty_and_its_derivative_match_finite_differences() -> None:
    critic = Critic(2).double()
    shape = (2, 2, 8, 8)
    gray, share = torch.rand(2, 1, 8, 8).double(), torch.tensor([0.25, 0.8])
    true, false = (torch.rand(shape).double() * 2 - 1 for _ in range(2))
    mixed = share[:, None, None, None] * true + (1 - share[:, None, None, None]) * false
    unit = mixed / 2.5 + 0.5

    def penalty() -> Tensor:
        return gradient_penalty(
            lambda chroma: critic(gray, chroma / 2.5 + 0.5), true, false, share, 2.5
        )

    loss = penalty()
    loss.backward()
    with torch.no_grad():
        assert loss.item() == pytest.approx(penalty_by_differences(critic, gray, unit), rel=1e-6)
    for layer in (0, 2, 4, 7, 10):
        weight = critic.layers[layer].weight
        assert weight.grad is not None
        place = np.unravel_index(int(weight.grad.abs().argmax()), weight.shape)
        values = []
        for change in (1e-6, -2e-6):
            weight.data[place] += change
            values.append(penalty().item())
        slope = (values[0] - values[1]) / 2e-6
        assert slope == pytest.approx(float(weight.grad[place]), rel=1e-4), layer
        weight.data[place] += 1e-6


def test_penalty_of_nothing_but_padding_has_a_finite_derivative() -> None:
    critic = Critic(2)
    nothing = torch.zeros(1, 2, 8, 8)
    loss = gradient_penalty(
        lambda chroma: critic(nothing[:, :1], chroma * 0), nothing, nothing, torch.ones(1), 2.0
    )
    loss.backward()
    assert loss.item() == 1
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in critic.parameters())
