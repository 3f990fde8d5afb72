"""The sparse cross entropy: its blocks, its layouts, its second backward, its speed-ups."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from huescape.losses import Bins, Targets, pixel_blocks
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
    return logits, targets, CrossEntropyLoss(Bins(torch.zeros(q, 2), classes))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_float32_in_many_blocks_agrees_with_torch(
    layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_blocks, "_BLOCK_VALUES", 100)
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


def dense_formula(logits: Tensor, targets: Targets, module: CrossEntropyLoss) -> Tensor:
    """The docstring's formula with dense targets, in the precision of `logits`."""
    assert targets.index_NhwK is not None
    index, weight = targets.index_NhwK, targets.weight_NhwK
    if weight is None:
        weight = torch.full(index.shape, 1 / index.shape[-1])
    z = torch.zeros_like(logits.movedim(1, -1))
    z.scatter_(-1, index, weight.to(z.dtype))
    assert module.class_weights_Q is not None
    highest = z == z.amax(-1, keepdim=True)
    lowest = (highest.cumsum(-1) == 0).sum(-1)  # the first of the highest ones
    v = module.class_weights_Q.to(z.dtype)[lowest] * targets.mask_Nhw
    log_p = torch.log_softmax(logits.movedim(1, -1), -1)
    return -((z * log_p).sum(-1) * v).sum() / targets.mask_Nhw.sum().clamp(min=1)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("kind", ["random", "ties", "extreme", "masked"])
def test_every_precision_agrees_with_the_dense_formula(
    kind: str,
    k: int,
    dtype: torch.dtype,
    layout: torch.memory_format,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Blocks end within photos and between them; logits are rounded first, then compared."""
    monkeypatch.setattr(pixel_blocks, "_BLOCK_VALUES", 250)
    logits, targets, module = problem(21 + k, 3, 11, 6, 5, k, torch.float32)
    assert targets.index_NhwK is not None
    if kind == "ties":
        logits = torch.zeros_like(logits)
        targets = Targets(targets.mask_Nhw, targets.index_NhwK)
    elif kind == "extreme":
        logits = torch.where(logits > 0, 1e4, -1e4)
    elif kind == "masked":
        mask = torch.zeros_like(targets.mask_Nhw)
        mask[1, 2:4] = True
        targets = Targets(mask, targets.index_NhwK, targets.weight_NhwK)
    logits = logits.to(dtype).contiguous(memory_format=layout).requires_grad_(True)
    found = module(logits, targets)
    (grad,) = torch.autograd.grad(found, logits)
    wide = logits.detach().double().requires_grad_(True)
    expected = dense_formula(wide, targets, module)
    (expected_grad,) = torch.autograd.grad(expected, wide)
    assert (grad.dtype, grad.stride()) == (dtype, logits.stride())
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
    # bfloat16 has 8 digits; float32 loses some where p is near the target.
    relative = 2**-8 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(grad.double(), expected_grad, rtol=relative, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_size_of_the_blocks_changes_nothing(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, targets, module = problem(5, 3, 11, 6, 5, 4, torch.float32)
    logits = logits.to(dtype).requires_grad_(True)
    results = []
    for size in (1, 130, 331, 1 << 19):
        monkeypatch.setattr(pixel_blocks, "_BLOCK_VALUES", size)
        loss = module(logits, targets)
        results.append((loss.detach(), *torch.autograd.grad(loss, logits)))
    for value, grad in results[1:]:
        assert torch.equal(value, results[0][0])
        assert torch.equal(grad, results[0][1])


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
    for dtype, relative in ((torch.float64, 1e-12), (torch.bfloat16, 2**-7)):
        values = logits.to(dtype).requires_grad_(True)
        (once,) = torch.autograd.grad(module(values, targets), values)
        (scaled,) = torch.autograd.grad(2.5 * module(values, targets), values)
        torch.testing.assert_close(scaled, 2.5 * once, rtol=relative, atol=0)


def test_an_impossible_target_keeps_a_finite_gradient() -> None:
    logits = torch.tensor([0.0, 200.0]).reshape(1, 2, 1, 1).requires_grad_(True)
    index, mask = torch.zeros(1, 1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1, dtype=torch.bool)
    loss = CrossEntropyLoss(Bins(torch.zeros(2, 2)), weighted=False)(logits, Targets(mask, index))
    loss.backward()
    assert loss.item() == 200
    assert logits.grad is not None
    assert logits.grad.reshape(-1).tolist() == [-1, 1]


@pytest.mark.parametrize(("n", "h"), [(0, 4), (1, 0)])
def test_no_pixel_has_a_gradient_too(n: int, h: int) -> None:
    logits, targets, loss = problem(0, n, 7, h, 4, 5)
    logits.requires_grad_(True)
    loss(logits, targets).backward()
    assert logits.grad is not None
    assert logits.grad.shape == (n, 7, h, 4)


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
