"""Every loss against its formula, dense and one pixel at a time, and the laws they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from huescape.base.errors import HuescapeError, ParamsError
from huescape.losses import LOSSES, Loss, Targets, build_loss
from huescape.params.base import Named

PHOTO: dict[str, object] = {"reduction": "photo"}
# The space's unit of chroma: a number that no other constant of the losses is.
UNIT = 7.0
# Options beside the defaults; every loss that is registered is tested with those.
OPTIONS: dict[str, list[dict[str, object]]] = {
    "cross_entropy": [{"weighted": False}, PHOTO],
    "bins_and_chroma": [{"weighted": True}, PHOTO],
    "focal": [{"alpha": 3, "beta": 2, "weighted": False}, PHOTO],
    "exact_focal": [{"gamma": 0.5, "weighted": False}, {"gamma": 0}, PHOTO],
    "block": [
        {"side": 2},
        {"side": 3, "share": 0.5, "weighted": False},
        {"side": 100, "share": 4},
        {"side": 2, **PHOTO},
    ],
    "l2": [PHOTO],
}
ALL = [
    Named.model_validate({"name": name, **options})
    for name in LOSSES.names()
    for options in ({}, *OPTIONS.get(name, ()))
]
BINS = [params for params in ALL if LOSSES.find(params.name).head == "bins"]
SIDES = (2, 7, 5, 4)


def label(params: Named) -> str:
    return "-".join(str(value) for value in params.model_dump().values())


def every(losses: list[Named]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("params", losses, ids=label)


def problem(
    seed: int, k: int, params: Named, sides: tuple[int, int, int, int] = SIDES
) -> tuple[Tensor, Targets, Loss]:
    """An output, its targets and the loss, all in float64; n photos, q bins, h rows, w columns."""
    n, q, h, w = sides
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(n, h, w, generator=generator) > 0.3
    centers = torch.rand(q, 2, generator=generator, dtype=torch.float64) * 2 - 1
    classes = torch.rand(q, generator=generator, dtype=torch.float64) * 3
    loss = build_loss(params, classes, centers, UNIT)
    if loss.head == "chroma":
        output, chroma = (torch.rand(2, n, 2, h, w, generator=generator).double() * 2 - 1).unbind()
        return output, Targets(mask, chroma_N2hw=chroma), loss
    logits = 3 * torch.randn(n, q, h, w, generator=generator, dtype=torch.float64)
    index = torch.rand(n, h, w, q, generator=generator).argsort(-1)[..., :k]
    weight = torch.rand(n, h, w, k, generator=generator, dtype=torch.float64) + 0.01
    weight = weight / weight.sum(-1, keepdim=True)
    return logits, Targets(mask, index, weight if k > 1 else None), loss


def dense(targets: Targets, bins: int) -> Tensor:
    """The targets as distributions over all bins (n, h, w, q)."""
    assert targets.index_NhwK is not None
    n, h, w, k = targets.index_NhwK.shape
    z = torch.zeros(n, h, w, bins, dtype=torch.float64)
    for place in torch.cartesian_prod(*(torch.arange(side) for side in (n, h, w, k))).tolist():
        weight = 1 / k if targets.weight_NhwK is None else targets.weight_NhwK[tuple(place)]
        z[(*place[:3], int(targets.index_NhwK[tuple(place)]))] += weight
    return z


def pixel_reference(z: Tensor, output: Tensor, loss: Loss, gamma: float) -> Tensor:
    """The loss of one pixel, from its distribution and logits."""
    p = output.exp() / output.exp().sum()
    v = 1.0 if loss.class_weights_Q is None else loss.class_weights_Q[int(z.argmax())]
    return -v * sum(z[q] * (1 - p[q]) ** gamma * p[q].log() for q in range(len(z)) if z[q] > 0)


def block_reference(z: Tensor, output: Tensor, mask: Tensor, centers: Tensor, size: int) -> Tensor:
    """The mean over blocks of the squared distance of mean chroma."""
    p = output.movedim(1, -1).exp()
    errors = (p / p.sum(-1, keepdim=True) - z) @ centers
    found = []
    for photo in range(len(mask)):
        for top in range(0, mask.shape[1], size):
            for left in range(0, mask.shape[2], size):
                rows, columns = slice(top, top + size), slice(left, left + size)
                inside = errors[photo, rows, columns][mask[photo, rows, columns]]
                if len(inside):
                    found.append((inside.mean(0) ** 2).sum())
    return torch.stack(found).mean()


def chroma_reference(output: Tensor, targets: Targets, share: float) -> Tensor:
    """The mean over pixels of `share` times the squared distance."""
    assert targets.chroma_N2hw is not None
    places = targets.mask_Nhw.nonzero().tolist()
    errors = [output[n, :, y, x] - targets.chroma_N2hw[n, :, y, x] for n, y, x in places]
    return sum(share * (e @ e) for e in errors) / len(errors)  # type: ignore[return-value]


def reference(params: Named, output: Tensor, targets: Targets, loss: Any) -> Tensor:
    """The formulas of the docstrings, with dense targets and stock differentiation."""
    mean = pixel_mean(params, output, targets, loss)
    if loss.reduction == "pixel":
        return mean
    unit = UNIT if params.name == "l2" else 1.0
    return mean * int(targets.mask_Nhw.sum()) * unit**2 / len(targets.mask_Nhw)


def pixel_mean(params: Named, output: Tensor, targets: Targets, loss: Any) -> Tensor:
    """The mean over the unmasked pixels, in normalized chroma."""
    if params.name in ("l2", "chromagan"):
        return chroma_reference(
            output, targets, {"l2": 1 / 2, "chromagan": 1 / 2 / 2.318**2}[params.name]
        )
    if params.name not in OPTIONS:
        pytest.skip("no slow reference")
    z, places = dense(targets, output.shape[1]), targets.mask_Nhw.nonzero().tolist()
    gamma = loss.gamma if params.name == "exact_focal" else 0.0
    each = torch.stack(
        [pixel_reference(z[n, y, x], output[n, :, y, x], loss, gamma) for n, y, x in places]
    )
    if params.name == "focal":
        t = each.detach() / each.detach().max()
        each = each / (1 + loss.alpha * torch.exp(-loss.beta * t))
    total = each.mean()
    if params.name == "block":
        term = block_reference(z, output, targets.mask_Nhw, loss.centers_Q2, loss.side)
        total = total + loss.share * term
    return total


def value_and_gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    at = at.detach().clone(memory_format=torch.preserve_format).requires_grad_(True)
    value = function(at)
    (gradient,) = torch.autograd.grad(value, at)
    return value.detach(), gradient


@every(ALL)
@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_agrees_with_the_dense_formula(params: Named, k: int, layout: torch.memory_format) -> None:
    output, targets, loss = problem(11 + k, k, params)
    output = output.to(memory_format=layout)
    found = value_and_gradient(lambda x: loss(x, targets), output)
    expected = value_and_gradient(lambda x: reference(params, x, targets, loss), output)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@every(ALL)
def test_what_is_told_is_the_mean_over_pixels(params: Named) -> None:
    output, targets, loss = problem(5, 3, params)
    value = loss(output, targets)
    if params.name != "chromagan":  # its other terms have no pixels
        same = Named.model_validate({**params.model_dump(), "reduction": "pixel"})
        mean = build_loss(same, loss.class_weights_Q, loss.centers_Q2, UNIT)(output, targets)
        torch.testing.assert_close(loss.per_pixel(value, targets.mask_Nhw), mean)
    nothing = torch.zeros_like(targets.mask_Nhw)
    assert loss.per_pixel(0 * value, nothing) == 0


@every([params for params in ALL if params.name != "focal"])  # whose parts have to talk
def test_parts_of_a_batch_sum_to_the_whole(params: Named) -> None:
    """Of photos with different padding, in parts of different sizes, as many processes have."""
    output, targets, loss = problem(7, 3, params, (5, 7, 5, 4))
    whole = value_and_gradient(lambda x: loss(x, targets), output)

    def in_parts(output: Tensor) -> Tensor:
        total = output.new_zeros(())
        for part in (slice(0, 1), slice(1, 5)):
            own = replace(some(targets, part), whole_Mhw=targets.mask_Nhw)
            total = total + loss(output[part], own)
        return total

    torch.testing.assert_close(value_and_gradient(in_parts, output), whole, rtol=1e-9, atol=1e-12)


def some(targets: Targets, part: slice) -> Targets:
    """The targets of some of the photos."""
    parts = targets.index_NhwK, targets.weight_NhwK, targets.chroma_N2hw
    return Targets(targets.mask_Nhw[part], *(None if x is None else x[part] for x in parts))


@pytest.mark.parametrize("name", ["block", "cross_entropy", "exact_focal", "focal", "l2"])
def test_at_44_targets_a_side_the_sum_is_1936_times_the_mean(name: str) -> None:
    """Without padding, at a crop of 176 and a stride of 4; squared error in units of 7 besides."""
    photo, pixel = (
        Named.model_validate({"name": name, "reduction": r}) for r in ("photo", "pixel")
    )
    output, targets, loss = problem(2, 2, photo, (2, 3, 44, 44))
    full = Targets(
        torch.ones_like(targets.mask_Nhw),
        targets.index_NhwK,
        targets.weight_NhwK,
        targets.chroma_N2hw,
    )
    mean = build_loss(pixel, loss.class_weights_Q, loss.centers_Q2, UNIT)
    factor = 1936 * (UNIT**2 if name == "l2" else 1)
    summed = value_and_gradient(lambda x: loss(x, full), output)
    averaged = value_and_gradient(lambda x: factor * mean(x, full), output)
    torch.testing.assert_close(summed, averaged, rtol=1e-9, atol=1e-12)


@every(ALL)
def test_float32_agrees_with_float64(params: Named) -> None:
    output, targets, loss = problem(3, 5, params)
    value, gradient = value_and_gradient(lambda x: loss(x, targets), output.float())
    expected = value_and_gradient(lambda x: loss(x, targets), output.float().double())
    assert (value.dtype, gradient.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(value.double(), expected[0], rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(gradient.double(), expected[1], rtol=1e-4, atol=1e-7)


@every(ALL)
def test_bfloat16_is_computed_in_float32(params: Named) -> None:
    output, targets, loss = problem(3, 5, params)
    value, gradient = value_and_gradient(lambda x: loss(x, targets), output.bfloat16())
    assert (value.dtype, gradient.dtype) == (torch.float32, torch.bfloat16)
    assert value == loss(output.bfloat16().float(), targets)


@pytest.mark.parametrize("params", [p for p in ALL if p.name != "focal"], ids=label)
def test_gradient_agrees_with_finite_differences(params: Named) -> None:
    output, targets, loss = problem(1, 3, params, (2, 4, 3, 2))
    assert torch.autograd.gradcheck(lambda x: 2.5 * loss(x, targets), output.requires_grad_(True))


@every(BINS)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 5))
def test_a_constant_on_all_logits_of_a_pixel_changes_nothing(
    params: Named, seed: int, k: int
) -> None:
    output, targets, loss = problem(seed, k, params)
    shift = 100 * torch.randn(2, 1, 5, 4, generator=torch.Generator().manual_seed(seed)).double()
    found = value_and_gradient(lambda x: loss(x, targets), output + shift)
    expected = value_and_gradient(lambda x: loss(x, targets), output)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@every(ALL)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(4)))
def test_the_order_of_the_photos_changes_nothing(
    params: Named, seed: int, order: list[int]
) -> None:
    output, targets, loss = problem(seed, 2, params, (4, 5, 3, 3))
    parts = (targets.index_NhwK, targets.weight_NhwK, targets.chroma_N2hw)
    moved = Targets(targets.mask_Nhw[order], *(None if x is None else x[order] for x in parts))
    value, gradient = value_and_gradient(lambda x: loss(x, targets), output)
    found = value_and_gradient(lambda x: loss(x, moved), output[order])
    torch.testing.assert_close(found, (value, gradient[order]), rtol=1e-9, atol=1e-12)


@every(ALL)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_padding_touches_neither_loss_nor_gradient(params: Named, seed: int) -> None:
    output, targets, loss = problem(seed, 3, params)
    value, gradient = value_and_gradient(lambda x: loss(x, targets), output)
    assert gradient.movedim(1, -1)[~targets.mask_Nhw].abs().sum() == 0
    assert gradient.movedim(1, -1)[targets.mask_Nhw].abs().sum(1).min() > 0
    other = torch.where(targets.mask_Nhw[:, None], output, 50)
    torch.testing.assert_close(loss(other, targets), value, rtol=1e-12, atol=0)


@every(ALL)
def test_nothing_to_learn_from_is_zero(params: Named) -> None:
    output, targets, loss = problem(6, 2, params)
    masked = Targets(
        torch.zeros_like(targets.mask_Nhw),
        targets.index_NhwK,
        targets.weight_NhwK,
        targets.chroma_N2hw,
    )
    value, gradient = value_and_gradient(lambda x: loss(x, masked), output)
    assert value == 0
    assert gradient.abs().max() == 0


@every(BINS)
@pytest.mark.parametrize("k", [1, 5])
def test_extreme_logits_stay_finite(params: Named, k: int) -> None:
    output, targets, loss = problem(9, k, params)
    extreme = torch.where(output > 0, 1e4, -1e4).float()
    one_hot = torch.full_like(extreme, -1e4)
    assert targets.index_NhwK is not None
    one_hot.scatter_(1, targets.index_NhwK[..., :1].movedim(-1, 1), 1e4)  # p = 1, and 0 elsewhere
    for logits in (extreme, one_hot):
        value, gradient = value_and_gradient(lambda x: loss(x, targets), logits)
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_gamma_zero_is_cross_entropy_exactly() -> None:
    output, targets, focal = problem(4, 5, Named(name="exact_focal", gamma=0))
    plain = problem(4, 5, Named(name="cross_entropy"))[2]
    found = value_and_gradient(lambda x: focal(x, targets), output)
    expected = value_and_gradient(lambda x: plain(x, targets), output)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_the_block_term_of_a_perfect_prediction_is_zero() -> None:
    _, targets, block = problem(4, 5, Named(name="block", side=2))
    perfect = dense(targets, 7).movedim(-1, 1).log().clamp(min=-1e4)
    plain = problem(4, 5, Named(name="cross_entropy"))[2]
    torch.testing.assert_close(block(perfect, targets), plain(perfect, targets))


def test_slides_focal_counts_easy_pixels_less() -> None:
    """Two pixels by hand: losses log 2 and log(1 + e^-40) = 0."""
    logits = torch.tensor([[0.0, 0.0], [40.0, 0.0]]).T.reshape(1, 2, 1, 2).double()
    targets = Targets(torch.ones(1, 1, 2, dtype=torch.bool), torch.zeros(1, 1, 2, 1).long())
    loss = build_loss(Named(name="focal", weighted=False), None, torch.zeros(2, 2))
    found = value_and_gradient(lambda x: loss(x, targets), logits)
    worst = 1 / (1 + 10 * torch.tensor(-10.0).double().exp())
    torch.testing.assert_close(found[0], worst * torch.tensor(2.0).double().log() / 2)
    expected = torch.stack([-worst / 4, worst / 4])
    torch.testing.assert_close(found[1][0, :, 0, 0], expected)


@every(ALL)
def test_constants_move_with_the_loss_and_stay_out_of_its_state(params: Named) -> None:
    loss = problem(0, 1, params)[2]
    assert not loss.state_dict()
    assert all(buffer.is_meta for buffer in loss.to("meta").buffers())


@every(ALL)
def test_the_other_kind_of_target_is_refused(params: Named) -> None:
    output, targets, loss = problem(0, 1, params)
    other = problem(0, 1, BINS[0] if loss.head == "chroma" else Named(name="l2"))[1]
    with pytest.raises(HuescapeError, match=r"encode\.method"):
        loss(output, other)
    assert loss(output, targets.to("cpu")).isfinite()


def test_what_cannot_be_built_is_refused() -> None:
    centers = torch.zeros(4, 2)
    for options, words in (
        ({"name": "l1"}, r"loss\.name is 'l1'; allowed: bins_and_chroma, block, chromagan, cross"),
        ({"name": "focal", "gamma": 1}, r"loss\.gamma: no such key; allowed here: alpha, beta"),
        ({"name": "block", "side": 0}, r"loss\.side is 0; allowed: a whole number at least 1"),
        ({"name": "chromagan", "penalty": -1}, r"loss\.penalty is -1; allowed: a number"),
    ):
        with pytest.raises(ParamsError, match=words):
            build_loss(Named.model_validate(options), torch.ones(4), centers)
    for weights, given_ in ((None, "none"), (torch.ones(3), "3")):
        with pytest.raises(ParamsError, match=f"needs 4 class weights; given: {given_}"):
            build_loss(Named(name="cross_entropy"), weights, centers)
    unweighted = build_loss(Named(name="cross_entropy", weighted=False), None, centers)
    assert unweighted.class_weights_Q is None
