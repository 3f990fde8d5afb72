"""The two spaces in torch: the numbers of `spaces` for every level, and levels within one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from huescape.color.spaces import space
from huescape.color.tensor_space import TensorSpace

# Every 5th level of each channel, and all grays.
_STEPS = np.arange(0, 256, 5, dtype=np.uint8)
CUBE = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(-1, 1, 3)
GRAYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
COLORS = np.concatenate([CUBE, GRAYS])


@pytest.mark.parametrize("name", ["lab", "yuv"])
def test_lightness_is_that_of_the_space(name: str) -> None:
    found_HW = TensorSpace(name).lightness(torch.from_numpy(COLORS))
    expected_HW = space(name).from_rgb(COLORS)[..., 0]
    assert found_HW.dtype == torch.float32
    top = space(name).lightness_range[1]
    assert np.abs(found_HW.numpy() - expected_HW).max() < 1e-6 * top


@pytest.mark.parametrize("name", ["lab", "yuv"])
def test_every_color_comes_back(name: str) -> None:
    values_HW3 = torch.from_numpy(space(name).from_rgb(COLORS))
    found_HW3 = TensorSpace(name).picture(values_HW3[..., 0], values_HW3[..., 1:].permute(2, 0, 1))
    assert found_HW3.dtype == torch.uint8
    np.testing.assert_array_equal(found_HW3.numpy(), COLORS)


@pytest.mark.parametrize("name", ["lab", "yuv"])
def test_what_leaves_the_gamut_is_clipped_alike(name: str) -> None:
    """Random chroma far out: levels within one, and hardly any that is not the same."""
    rng, it = np.random.default_rng(0), space(name)
    (low_a, high_a), (low_b, high_b) = it.chroma_bounds
    lightness_HW = rng.uniform(*it.lightness_range, (300, 300)).astype(np.float32)
    chroma = [rng.uniform(low_a, high_a, (300, 300)), rng.uniform(low_b, high_b, (300, 300))]
    chroma_2HW = np.stack(chroma).astype(np.float32)
    expected_HW3 = it.to_picture(lightness_HW, np.ascontiguousarray(np.moveaxis(chroma_2HW, 0, -1)))
    found_HW3 = TensorSpace(name).picture(*map(torch.from_numpy, (lightness_HW, chroma_2HW)))
    apart_HW3 = np.abs(found_HW3.numpy().astype(int) - expected_HW3)
    assert apart_HW3.max() <= 1
    assert (apart_HW3 > 0).mean() < 1e-3
    assert ((expected_HW3 == 0) | (expected_HW3 == 255)).mean() > 0.2
