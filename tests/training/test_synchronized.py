"""Shared batch norms keep their tensors; `test_processes.py` has what they give."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from huescape.training.synchronized import SynchronizedNorm, synchronize


@pytest.mark.parametrize(
    ("device", "kind"), [("cpu", SynchronizedNorm), ("cuda", nn.SyncBatchNorm)]
)
def test_an_optimizer_still_knows_them(device: str, kind: type[nn.Module]) -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2, eps=0.1, momentum=0.2))
    )
    before = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    synchronize(network, torch.device(device))
    norm = network[1][0]
    assert isinstance(norm, kind)
    assert (norm.eps, norm.momentum) == (0.1, 0.2)
    after = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    assert before.keys() == after.keys()
    assert all(after[name] is tensor for name, tensor in before.items())


def test_in_evaluation_each_process_is_by_itself() -> None:
    network, photos = nn.Sequential(nn.BatchNorm2d(2)), torch.rand(2, 2, 4, 4)
    expected = network.eval()(photos)
    synchronize(network, torch.device("cpu"))
    assert torch.equal(network(photos), expected)
