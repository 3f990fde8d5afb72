"""Each optimizer is the one that its name says."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from huescape import networks
from huescape.color.bins import gamut_centers
from huescape.losses import Targets, build_loss
from huescape.params.presets import resolve_system
from huescape.params.systems import OptimizerParams, SystemOverrides
from huescape.training.descent import descent


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("adam", lambda w: torch.optim.Adam(w, 0.1, betas=(0.8, 0.9), weight_decay=0.3)),
        ("adamw", lambda w: torch.optim.AdamW(w, 0.1, betas=(0.8, 0.9), weight_decay=0.3)),
        ("sgd", lambda w: torch.optim.SGD(w, 0.1, momentum=0.8, weight_decay=0.3)),
    ],
)
def test_takes_the_steps_of_the_plain_optimizer(name: str, plain: object) -> None:
    params = OptimizerParams(name=name, lr=0.1, betas=(0.8, 0.9), weight_decay=0.3)  # type: ignore[arg-type]
    results = []
    for build in (lambda n: descent(params, n).at(0.0), lambda n: plain(n.parameters())):  # type: ignore[operator]
        layer = nn.Linear(3, 2)
        nn.init.constant_(layer.weight, 0.5)
        nn.init.zeros_(layer.bias)
        optimizer = build(layer)
        for k in range(5):
            optimizer.zero_grad()
            layer(torch.tensor([1.0, 2.0, -k])).square().sum().backward()
            optimizer.step()
        results.append(layer.weight.detach().clone())
    torch.testing.assert_close(results[0], results[1], rtol=1e-5, atol=1e-6)


def test_the_published_decay_is_small_beside_the_published_gradient() -> None:
    """At published width and crop, class weights of 1: about 5e-5 at the start, as released.

    A mean over the 1,936 targets of the same 1e-3 would make it 0.05 to 0.1.
    """
    entry = SystemOverrides.model_validate({"preset": "zhang2016", "quantizer": "any"})
    params = resolve_system("zhang2016", entry)
    assert (params.augmentation.crop, params.network.options["width"]) == (176, 64)
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 11, 11, generator=generator)
    photos = F.interpolate(coarse, (176, 176), mode="bicubic") - 0.5
    ab_Nhw2 = 60 * photos[:, 1:, 2::4, 2::4].movedim(1, -1)
    centers = torch.tensor(gamut_centers("lab", 10.0), dtype=torch.float32)
    distance, index = torch.cdist(ab_Nhw2.reshape(-1, 2), centers).topk(5, largest=False)
    shape = (2, 44, 44, 5)
    weight = torch.softmax(-distance.square() / 50, -1)
    targets = Targets(torch.ones(shape[:3]) > 0, index.view(shape), weight.view(shape))
    torch.manual_seed(0)
    network = networks.build("zhang2016", params.network.options, len(centers))
    loss = build_loss(params.loss, torch.ones(len(centers)), centers / 110, 110.0)
    loss(network(photos[:, :1]), targets).backward()
    gradient = nn.utils.get_total_norm([p.grad for p in network.parameters()])
    decay = params.optimizer.weight_decay * nn.utils.get_total_norm(network.parameters())
    assert 1e-5 < float(decay / gradient) < 1e-4
    assert gradient.isfinite()
