"""The sparse cross entropy: its blocks, its layouts, its second backward, its speed-ups."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from huescape.losses import Targets, cross_entropy
from huescape.losses.base import most_likely_bin
from huescape.losses.cross_entropy import CrossEntropyLoss


def problem(
    seed: int, n: int, q: int, h: int, w: int, k: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Targets, CrossEntropyLoss]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, q, h, w, generator=generator, dtype=dtype)
    order = torch.rand(n, h, w, q, generator=generator).argsort(-1)[..., :k]
    weight = torch.rand(n, h, w, k, generator=generator, dtype=dtype) + 0.01
    weight = weight / weight.sum(-1, keepdim=True)
    classes = torch.rand(q, generator=generator, dtype=dtype) * 3
    mask = torch.rand(n, h, w, generator=generator) > 0.3
    targets = Targets(mask, order, weight if k > 1 else None)
    return logits, targets, CrossEntropyLoss(classes, torch.zeros(q, 2))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_float32_in_many_blocks_agrees_with_torch(
    layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_entropy, "_BLOCK_VALUES", 100)
    logits, targets, loss = problem(3, 2, 9, 8, 8, 1, torch.float32)
    assert targets.index_NhwK is not None
    mask = torch.ones(2, 8, 8, dtype=torch.bool)
    logits = logits.to(memory_format=layout).requires_grad_(True)
    found = loss(logits, Targets(mask, targets.index_NhwK))
    (grad,) = torch.autograd.grad(found, logits)
    per_pixel = torch.nn.functional.cross_entropy(
        logits, targets.index_NhwK[..., 0], weight=loss.class_weights_Q, reduction="none"
    )
    expected = per_pixel.mean()
    (expected_grad,) = torch.autograd.grad(expected, logits)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(grad, expected_grad)


def test_a_second_backward_adds_the_same_gradient() -> None:
    logits, targets, module = problem(7, 2, 6, 5, 5, 3)
    logits.requires_grad_(True)
    loss = module(logits, targets)
    (once,) = torch.autograd.grad(loss, logits, retain_graph=True)
    once = once.clone()
    for _ in range(3):
        loss.backward(retain_graph=True)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, 3 * once, rtol=1e-12, atol=0)


def test_a_scaled_loss_has_a_scaled_gradient() -> None:
    logits, targets, module = problem(8, 2, 6, 5, 5, 3)
    logits.requires_grad_(True)
    (once,) = torch.autograd.grad(module(logits, targets), logits)
    (scaled,) = torch.autograd.grad(2.5 * module(logits, targets), logits)
    torch.testing.assert_close(scaled, 2.5 * once, rtol=1e-12, atol=0)


def test_an_impossible_target_keeps_a_finite_gradient() -> None:
    logits = torch.tensor([0.0, 200.0]).reshape(1, 2, 1, 1).requires_grad_(True)
    index, mask = torch.zeros(1, 1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1, dtype=torch.bool)
    loss = CrossEntropyLoss(None, torch.zeros(2, 2))(logits, Targets(mask, index))
    loss.backward()
    assert loss.item() == 200
    assert logits.grad is not None
    assert logits.grad.reshape(-1).tolist() == [-1, 1]


def test_only_the_gradient_is_kept_for_the_backward_pass() -> None:
    logits, targets, module = problem(2, 2, 40, 8, 8, 5)
    logits = logits.to(memory_format=torch.channels_last).requires_grad_(True)
    kept: list[Tensor] = []

    def pack(saved: Tensor) -> Tensor:
        kept.append(saved)
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
        module(logits, targets)
    assert sum(tensor.numel() >= logits.numel() for tensor in kept) == 1


def test_a_tie_goes_to_the_lower_bin() -> None:
    index = torch.tensor([[5, 2, 9], [7, 3, 1], [4, 8, 0]])
    weight = torch.tensor([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.5, 0.25, 0.25]])
    assert most_likely_bin(index, weight).tolist() == [2, 1, 4]
    assert most_likely_bin(index[:, :1], weight[:, :1]).tolist() == [5, 7, 4]
