"""The sparse cross entropy against the formula, pixel by pixel, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from huescape import losses
from huescape.errors import ParamsError

Array = npt.NDArray[Any]


def reference(
    logits: Array, index: Array, weight: Array | None, class_weights: Array | None, mask: Array
) -> float:
    """The formula of the docstring, one pixel at a time."""
    total, pixels = 0.0, 0
    for n, h, w in np.ndindex(mask.shape):
        if not mask[n, h, w]:
            continue
        pixels += 1
        z = logits[n, :, h, w]
        highest = max(z)
        log_sum = highest + math.log(sum(math.exp(v - highest) for v in z))
        bins = index[n, h, w]
        share = weight[n, h, w] if weight is not None else [1 / len(bins)] * len(bins)
        v = 1.0 if class_weights is None else class_weights[bins[int(np.argmax(share))]]
        total -= v * sum(s * (z[q] - log_sum) for s, q in zip(share, bins, strict=True))
    return total / max(pixels, 1)


def problem(
    seed: int, n: int, q: int, h: int, w: int, k: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor | None, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, q, h, w, generator=generator, dtype=dtype)
    order = torch.rand(n, h, w, q, generator=generator).argsort(-1)[..., :k]
    weight = torch.rand(n, h, w, k, generator=generator, dtype=dtype) + 0.01
    weight = weight / weight.sum(-1, keepdim=True)
    classes = torch.rand(q, generator=generator, dtype=dtype) * 3
    mask = torch.rand(n, h, w, generator=generator) > 0.3
    return logits, order, weight if k > 1 else None, classes, mask


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sides=st.tuples(st.integers(1, 2), st.integers(2, 7), st.integers(1, 4), st.integers(1, 4)),
    neighbors=st.integers(1, 2),
    weighted=st.booleans(),
)
def test_agrees_with_the_formula(
    seed: int, sides: tuple[int, int, int, int], neighbors: int, weighted: bool
) -> None:
    logits, index, weight, classes, mask = problem(seed, *sides, neighbors)
    chosen = classes if weighted else None
    found = losses.cross_entropy(logits, index, weight, chosen, mask)
    arrays = [None if t is None else t.numpy() for t in (logits, index, weight, chosen, mask)]
    assert float(found) == pytest.approx(reference(*arrays), rel=1e-12, abs=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("neighbors", [1, 3])
def test_gradient_agrees_with_finite_differences(neighbors: int) -> None:
    logits, index, weight, classes, mask = problem(1, 2, 4, 3, 2, neighbors)
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda z: 2.5 * losses.cross_entropy(z, index, weight, classes, mask), (logits,)
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_float32_in_many_blocks_agrees_with_torch(
    layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "_BLOCK_VALUES", 100)
    logits, index, _, classes, _ = problem(3, 2, 9, 8, 8, 1, torch.float32)
    mask = torch.ones(2, 8, 8, dtype=torch.bool)
    logits = logits.to(memory_format=layout).requires_grad_(True)
    found = losses.cross_entropy(logits, index, None, classes, mask)
    (grad,) = torch.autograd.grad(found, logits)
    per_pixel = torch.nn.functional.cross_entropy(
        logits, index[..., 0], weight=classes, reduction="none"
    )
    expected = per_pixel.mean()
    (expected_grad,) = torch.autograd.grad(expected, logits)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(grad, expected_grad)


def test_padding_touches_neither_loss_nor_gradient() -> None:
    logits, index, weight, classes, mask = problem(5, 2, 6, 5, 5, 3)
    assert weight is not None
    logits.requires_grad_(True)
    loss = losses.cross_entropy(logits, index, weight, classes, mask)
    (grad,) = torch.autograd.grad(loss, logits)
    assert grad.permute(0, 2, 3, 1)[~mask].abs().max() == 0
    assert grad.permute(0, 2, 3, 1)[mask].abs().sum(1).min() > 0
    other_index = torch.where(mask[..., None], index, torch.zeros_like(index))
    other_logits = torch.where(mask[:, None], logits, 100 * torch.ones_like(logits))
    other = losses.cross_entropy(other_logits, other_index, weight, classes, mask)
    assert other.item() == loss.item()


def test_a_second_backward_adds_the_same_gradient() -> None:
    logits, index, weight, classes, mask = problem(7, 2, 6, 5, 5, 3)
    logits.requires_grad_(True)
    loss = losses.cross_entropy(logits, index, weight, classes, mask)
    (once,) = torch.autograd.grad(loss, logits, retain_graph=True)
    once = once.clone()
    for _ in range(3):
        loss.backward(retain_graph=True)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, 3 * once, rtol=1e-12, atol=0)


def test_nothing_to_learn_from_is_zero() -> None:
    logits, index, _, classes, mask = problem(6, 1, 4, 3, 3, 1)
    logits.requires_grad_(True)
    loss = losses.cross_entropy(logits, index, None, classes, torch.zeros_like(mask))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_an_impossible_target_keeps_a_finite_gradient() -> None:
    logits = torch.tensor([0.0, 200.0]).reshape(1, 2, 1, 1).requires_grad_(True)
    index, mask = torch.zeros(1, 1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1, dtype=torch.bool)
    loss = losses.cross_entropy(logits, index, None, None, mask)
    loss.backward()
    assert loss.item() == 200
    assert logits.grad is not None
    assert logits.grad.reshape(-1).tolist() == [-1, 1]


def test_unknown_names_and_options_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"loss\.name is 'mse'; allowed: cross_entropy"):
        losses.build_loss("mse", {})
    with pytest.raises(ParamsError, match=r"loss\.options\.gamma"):
        losses.build_loss("cross_entropy", {"gamma": 2})
    assert losses.build_loss("cross_entropy", {}) is losses.cross_entropy
