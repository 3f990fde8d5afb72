"""From picture to picture in torch alone: the pictures of `colorize`, of any size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from huescape.coloring.painting import colorize
from huescape.coloring.picture_module import PictureModule
from huescape.params.decodings import Decoding
from huescape.systems.system import System
from tests.coloring.systems import make_system

# Square, wide, tall, tiny, with halves to round, larger and smaller than what is seen.
SIZES = [(64, 64), (40, 67), (1, 1), (3, 130), (201, 1), (31, 9), (128, 85), (256, 171), (333, 250)]


def seen_at(system: System, view: int | None) -> System:
    """The system with a view."""
    geometry = system.params.geometry.model_copy(update={"view": view})
    return replace(system, params=system.params.model_copy(update={"geometry": geometry}))


def colorful(space: str, view: int | None) -> System:
    """A system whose bins differ from place to place, and their prior is not even."""
    made = seen_at(make_system(space, reach=0.3), view)
    with torch.no_grad():
        made.network.head.weight.normal_(0, 3, generator=torch.Generator().manual_seed(0))
    rising = np.linspace(0, 1, len(made.centers)) ** 2
    scale = 4.0 if space == "lab" else 1.0
    return replace(made, prior=rising / rising.sum(), centers=made.centers * scale)


def photo(height: int, width: int) -> np.ndarray:
    """Blocks of random colors, with grain."""
    rng = np.random.default_rng(height + width)
    blocks = rng.integers(0, 256, (height // 9 + 1, width // 9 + 1, 3)).repeat(9, 0).repeat(9, 1)
    grain = rng.normal(0, 9, (height, width, 3))
    return np.clip(blocks[:height, :width] + grain, 0, 255).astype(np.uint8)


def agree(found: np.ndarray, expected: np.ndarray, most: float = 0.01) -> None:
    """Levels within 1, and not more than a share of them apart."""
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= 1
    assert (apart > 0).mean() <= most


@pytest.mark.parametrize("view", [None, 64])
@pytest.mark.parametrize("space", ["lab", "yuv"])
@pytest.mark.parametrize(
    "how",
    [
        {"temperature": 0.5, "tau": 0.2},
        {"method": "median", "tau": 0.4},
        {"method": "mode", "tau": 0.3},
    ],
)
def test_any_size_by_every_method(space: str, view: int | None, how: dict[str, Any]) -> None:
    system, decoding = colorful(space, view), Decoding.model_validate(how)
    size = None if view else 64
    module = PictureModule(system, decoding, size).eval()
    for height, width in SIZES:
        rgb_HW3 = photo(height, width)
        expected_HW3 = colorize(system, rgb_HW3, decoding, size, edges=False)
        assert expected_HW3.std() > 1
        with torch.no_grad():
            found_1HW3 = module(torch.from_numpy(rgb_HW3)[None])
        assert found_1HW3.dtype == torch.uint8
        agree(found_1HW3[0].numpy(), expected_HW3)


@pytest.mark.parametrize("size", [24, 64, 100])
def test_another_size_than_the_view(size: int) -> None:
    """Smaller, where what was shrunk is enlarged again; the view itself; larger."""
    system, rgb_HW3 = colorful("lab", 64), photo(150, 113)
    decoding = Decoding(method="median")
    found_1HW3 = PictureModule(system, decoding, size).eval()(torch.from_numpy(rgb_HW3)[None])
    agree(found_1HW3[0].numpy(), colorize(system, rgb_HW3, decoding, size, edges=False))


def test_gray_is_seen_as_its_lightness() -> None:
    module = PictureModule(colorful("lab", 64), Decoding()).eval()
    gray_HW3 = np.repeat(photo(50, 70)[..., :1], 3, axis=2)
    found_1HW3 = module(torch.from_numpy(gray_HW3)[None])
    agree(found_1HW3[0].numpy(), colorize(colorful("lab", 64), gray_HW3[..., 0], edges=False))


def test_adaptive_pools_are_replaced() -> None:
    system = colorful("lab", None)
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.AdaptiveAvgPool2d((2, 5)))
    x_NCHW = torch.rand(1, 4, 17, 23, generator=torch.Generator().manual_seed(0))
    expected_NCHW = pooled(x_NCHW)
    system.network.add_module("pooled", pooled)
    PictureModule(system, Decoding())
    assert not any(isinstance(m, nn.AdaptiveAvgPool2d) for m in system.network.modules())
    torch.testing.assert_close(pooled(x_NCHW), expected_NCHW)
