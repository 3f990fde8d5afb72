"""Two heads in one output: the terms are those of the formula, and the true chroma is nearly it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from huescape.color.bins import gamut_centers
from huescape.color.encoding import soft_encode
from huescape.color.spaces import rgb_to_lab
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.losses import Loss, Targets, build_loss
from huescape.losses.targets import at_positions
from huescape.params.base import Named

UNIT = 7.0


def problem(**options: object) -> tuple[Tensor, Targets, Loss]:
    """Two photos of 3 x 4 positions with 5 bins and 2 of chroma, some masked, in float64."""
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(2, 7, 3, 4, generator=generator, dtype=torch.float64)
    index = torch.rand(2, 3, 4, 5, generator=generator).argsort(-1)[..., :3]
    weight = torch.rand(2, 3, 4, 3, generator=generator, dtype=torch.float64)
    mask = torch.rand(2, 3, 4, generator=generator) > 0.3
    targets = Targets(mask, index, weight / weight.sum(-1, keepdim=True))
    centers = torch.rand(5, 2, generator=generator, dtype=torch.float64) * 2 - 1
    params = Named.model_validate({"name": "bins_and_chroma", **options})
    return output, targets, build_loss(params, torch.rand(5).double(), centers, UNIT)


def reference(output: Tensor, targets: Targets, loss: Loss, share: float) -> Tensor:
    """The mean over the unmasked positions, one by one; weights touch the first term alone."""
    assert targets.index_NhwK is not None
    assert targets.weight_NhwK is not None
    found = []
    for n, y, x in targets.mask_Nhw.nonzero().tolist():
        index, weight = targets.index_NhwK[n, y, x], targets.weight_NhwK[n, y, x]
        log_p = torch.log_softmax(output[n, :5, y, x], 0)
        entropy = -(weight * log_p[index]).sum()
        if loss.class_weights_Q is not None:
            entropy = entropy * loss.class_weights_Q[index[weight.argmax()]]
        true = (weight[:, None] * loss.centers_Q2[index]).sum(0)
        error = UNIT * (output[n, 5:, y, x] - true)
        found.append(entropy + share * (error @ error + 1).sqrt())
    return torch.stack(found).mean()


@pytest.mark.parametrize("share", [0.0, 0.2, 3.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_both_terms_and_their_gradients_are_those_of_the_formula(
    share: float, weighted: bool
) -> None:
    output, targets, loss = problem(share=share, weighted=weighted)
    output.requires_grad_(True)
    value, expected = loss(output, targets), reference(output, targets, loss, share)
    torch.testing.assert_close(value, expected)
    gradients = [torch.autograd.grad(v, output)[0] for v in (value, expected)]
    torch.testing.assert_close(*gradients)


def test_a_sum_over_a_photo_is_a_multiple_of_the_mean() -> None:
    output, targets, loss = problem()
    summed = problem(reduction="photo")[2]
    value = summed(output, targets)
    assert value == pytest.approx(float(loss(output, targets)) * int(targets.mask_Nhw.sum()) / 2)
    torch.testing.assert_close(
        summed.per_pixel(value, targets.mask_Nhw), loss(output, targets), check_dtype=False
    )


def test_logits_alone_have_the_first_term_alone() -> None:
    output, targets, loss = problem()
    value = loss(output[:, :5], targets)
    torch.testing.assert_close(value, reference(output, targets, loss, 0.0))


def test_some_positions_are_those_of_a_mask() -> None:
    output, targets, loss = problem()
    at = torch.tensor([[0, 5, 7], [1, 2, 11]])
    mask = torch.zeros(2, 12, dtype=torch.bool).scatter_(1, at, True).view(2, 3, 4)
    few = Targets(targets.mask_Nhw & mask, targets.index_NhwK, targets.weight_NhwK)
    value = loss(at_positions(output, at), targets.at(at))
    torch.testing.assert_close(value, loss(output, few))


def test_nothing_to_learn_from_is_zero() -> None:
    output, targets, loss = problem()
    nothing = torch.zeros_like(targets.mask_Nhw)
    masked = Targets(nothing, targets.index_NhwK, targets.weight_NhwK)
    output.requires_grad_(True)
    value = loss(output, masked)
    value.backward()
    assert value == 0
    assert output.grad is not None
    assert output.grad.abs().max() == 0


def test_the_mean_of_soft_targets_is_nearly_the_true_chroma() -> None:
    """On rendered photos, with the encoding of the preset: 0.2 on average, at most 0.8 of ab."""
    centers, rng = gamut_centers("lab", 10.0), np.random.default_rng(0)
    ab = np.concatenate(
        [
            rgb_to_lab(render_scene(category, rng, 96, 96)[::3, ::3])[..., 1:].reshape(-1, 2)
            for category in CATEGORIES
        ]
    ).astype(np.float32)
    index, weight = soft_encode(ab, centers, neighbors=5, sigma=5.0)
    mean = (weight[..., None] * centers[index]).sum(axis=1)
    error = np.linalg.norm(mean - ab, axis=1)
    assert error.mean() < 0.3
    assert np.quantile(error, 0.999) < 0.8
    assert math.isfinite(error.max())
