"""A step reads nothing back from its device: on a GPU every reading waits for all work before it.

Tensors of the meta device have no values, so that whatever asks for one raises.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from huescape import networks
from huescape.losses import Targets, build_loss
from huescape.params.systems import SystemParams
from huescape.training.batches import Batch
from huescape.training.run import build_learner

META = torch.device("meta")
BINS = 313


@pytest.mark.parametrize(
    "loss",
    [
        *({"name": name} for name in ("cross_entropy", "focal", "exact_focal", "block", "l2")),
        {"name": "cross_entropy", "weighted": False},
    ],
)
@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_step_reads_nothing_back(
    make_params: Callable[..., SystemParams], loss: dict[str, object], hard: bool, optimizer: str
) -> None:
    params = make_params(loss=loss, optimizer={"name": optimizer})
    weighted = torch.ones(BINS, device=META) if loss.get("weighted", True) else None
    with META:
        outputs = 2 if params.loss.name == "l2" else BINS
        network = networks.build("colorunet", {"width": 4}, outputs)
        centers = torch.zeros(BINS, 2)
        bins = torch.zeros(2, 16, 16, 1 if hard else 5, dtype=torch.int64)
        weights = None if hard else torch.zeros(bins.shape)
        mask, chroma = torch.zeros(2, 16, 16, dtype=torch.bool), torch.zeros(2, 2, 16, 16)
        batch = Batch(torch.zeros(2, 1, 16, 16), Targets(mask, bins, weights, chroma))
    built = build_loss(params.loss, weighted, centers).to(META)
    learner = build_learner(network, built, params, META)
    for progress in np.linspace(0, 1, 3):
        values = learner.step(batch, float(progress))
    assert values.device == META
    assert values.shape == (len(learner.columns),)


def test_a_step_against_a_critic_reads_nothing_back(
    make_params: Callable[..., SystemParams],
) -> None:
    params = make_params(
        network={"name": "chromagan", "width": 2},
        loss={"name": "chromagan", "class_share": 0.0},
    )
    with META:
        generator = networks.build("chromagan", params.network.options, 2)
        targets = Targets(torch.ones(2, 32, 32).bool(), chroma_N2hw=torch.zeros(2, 2, 32, 32))
        batch = Batch(torch.zeros(2, 1, 32, 32), targets)
        loss = build_loss(params.loss, None, torch.zeros(4, 2))
    learner = build_learner(generator, loss, params, META)
    assert learner.step(batch, 0.0).shape == (len(learner.columns),)


def test_a_reading_would_be_noticed() -> None:
    with pytest.raises(RuntimeError):
        float(torch.zeros((), device=META))
