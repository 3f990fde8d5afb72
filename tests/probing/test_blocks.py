"""Which parts of a network are its blocks, and what their pooled features are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from huescape.networks import NETWORKS, Network, build
from huescape.probing.blocks import block_names, pooled, watched

SMALL = {"chromagan": {"width": 4, "classes": 5}, "mleu": {"width": 4, "pretrained": "none"}}


@pytest.mark.parametrize("name", NETWORKS.names())
def test_every_network_has_blocks_and_features_of_them(name: str) -> None:
    network = build(name, SMALL.get(name, {}), 2 if name == "chromagan" else 5)
    network.train()
    names = block_names(network)
    assert network.training
    assert len(names) == len(set(names)) >= 2
    assert not {"head", "chroma"} & set(names)
    network.eval()
    side = 2 * network.multiple * 4
    with watched(network, names, 64) as found, torch.no_grad():
        network(torch.rand(2, 1, side, side) - 0.5)
        assert sorted(found) == sorted(names)
        for features_NF in found.values():
            assert features_NF.dtype == torch.float32
            assert len(features_NF) == 2
            assert torch.isfinite(features_NF).all()
    assert not any(module._forward_hooks for module in network.modules())


def test_the_blocks_of_published_networks() -> None:
    assert block_names(build("colorunet", {}, 5)) == (
        "down1",
        "down2",
        "down3",
        "up1",
        "up2",
        "up3",
    )
    assert block_names(build("zhang2016", {"width": 2}, 5)) == tuple(
        f"conv{k}" for k in range(1, 9)
    )
    names = block_names(build("chromagan", SMALL["chromagan"], 2))
    assert [name for name in names if name.startswith("trunk")] == [
        *("trunk.2", "trunk.7", "trunk.14", "trunk.21"),
    ]
    assert [name for name in names if name.startswith("decoder")] == ["decoder.0", "decoder.5"]


class Chain(Network):
    """One ReLU, in place, in three places, as in ChromaGAN's decoder."""

    def __init__(self) -> None:
        super().__init__()
        relu, up = nn.ReLU(inplace=True), nn.Upsample(scale_factor=2)
        first, second, last = (nn.Conv2d(1, 1, 1) for _ in range(3))
        self.chain = nn.Sequential(first, relu, up, second, relu, up, last)
        for layer, weight in ((first, 2.0), (second, -3.0), (last, 1.0)):
            nn.init.constant_(layer.weight, weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, input_N1HW: Tensor) -> Tensor:
        """All in a row."""
        output: Tensor = self.chain(input_N1HW)
        return output


def test_a_cut_sequential_gives_what_comes_after_its_activations() -> None:
    network = Chain().eval()
    names = block_names(network)
    assert names == ("chain.0", "chain.3")
    x = torch.tensor([[[[0.5, -0.25], [0.0, 1.0]]]])
    with watched(network, names, 4) as found, torch.no_grad():
        output = network(x)
    assert found["chain.0"].tolist() == [[1.0, 0.0, 0.0, 2.0]]
    assert found["chain.3"].tolist() == [[0.0, 0.0, 0.0, 0.0]]
    assert torch.equal(output, network(x))


def test_pooling_is_the_mean_over_a_grid() -> None:
    rng = np.random.default_rng(0)
    map_NCHW = rng.normal(size=(2, 3, 9, 6)).astype(np.float32)
    found = pooled(torch.from_numpy(map_NCHW), 30).numpy()
    side = 3  # 3 channels of 3 x 3 places are 27 features, of 4 x 4 they would be 48
    assert found.shape == (2, 27)
    slow = map_NCHW.reshape(2, 3, side, 3, side, 2).mean(axis=(3, 5)).reshape(2, 27)
    np.testing.assert_allclose(found, slow, rtol=1e-5, atol=1e-6)
    assert pooled(torch.zeros(2, 50, 8, 8), 30).shape == (2, 50)
    assert pooled(torch.zeros(2, 3, 2, 1), 30).shape == (2, 27)
    assert pooled(torch.zeros(2, 50), 30).shape == (2, 50)
