"""What a network sees may be larger than the photo; its outputs are on the photo's own grid."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from huescape.networks import Network
from huescape.systems.prediction import as_it_is, enlarged


class Mean(Network):
    """Chroma: the lightness itself, averaged over blocks of `stride`, and its negative."""

    heads = ("chroma",)
    multiple = 8

    def __init__(self, stride: int = 4) -> None:
        super().__init__()
        self.stride = stride  # type: ignore[misc]
        self.seen: list[tuple[int, ...]] = []
        self.pool = nn.AvgPool2d(stride)

    def forward(self, input_N1HW: Tensor) -> Tensor:
        self.seen.append(tuple(input_N1HW.shape[-2:]))
        x = self.pool(input_N1HW)
        return torch.cat((x, -x), dim=1)


def ramp(height: int, width: int) -> Tensor:
    """Lightness that rises from left to right and from top to bottom."""
    y, x = torch.arange(height) / 100, torch.arange(width) / 50
    return (y[:, None] + x)[None, None]


@pytest.mark.parametrize("size", [(64, 64), (43, 64), (30, 41), (5, 9), (1, 1)])
@pytest.mark.parametrize("factor", [1.25, 1.5, 2.0])
def test_outputs_lie_where_those_of_the_photo_do(size: tuple[int, int], factor: float) -> None:
    """A network that sees nothing but the lightness says the same of a larger photo."""
    network, x = Mean(), ramp(*size)
    plain, large = as_it_is(network, x), enlarged(network, x, factor, "chroma")
    assert large.shape == plain.shape
    inner = plain[..., 1:-1, 1:-1]  # edges are padded by reflection
    torch.testing.assert_close(
        large[..., 1:-1, 1:-1], inner, atol=0.006, rtol=0
    )  # a quarter of a block: 0.02


def test_the_network_sees_more_pixels() -> None:
    network = Mean()
    enlarged(network, ramp(43, 64), 1.25, "chroma")
    assert network.seen == [(56, 80)]  # 44 x 1.25 = 55 is 14 blocks


def test_of_bins_probabilities_are_averaged() -> None:
    """The result is logarithms of probabilities whose mass is 1."""
    found = enlarged(Mean(), 5 * torch.rand(2, 1, 32, 40), 1.5, "bins")
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(2, 8, 10))


def test_nothing_is_darker_or_lighter_than_the_photo() -> None:
    edge = torch.zeros(1, 1, 16, 16)
    edge[..., 8:] = 1
    found = enlarged(Mean(1), edge, 2.0, "chroma")[0, 0]
    assert (found.min(), found.max()) == (0, 1)


def test_what_a_photo_gets_does_not_depend_on_others() -> None:
    network, both = Mean(1), torch.zeros(2, 1, 16, 16)
    both[0, ..., 8:], both[1, ..., 8:] = 0.1, 1
    together = enlarged(network, both, 2.0, "chroma")
    for n in range(2):
        assert torch.equal(together[n], enlarged(network, both[n : n + 1], 2.0, "chroma")[0])
