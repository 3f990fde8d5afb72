"""Seeds of a network's own: which they are, where they stand, and what becomes of the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.color.confident import diffused
from huescape.color.diffusion import diffuse

LAB = (0.0, 100.0)


def scene(height: int, width: int, stride: int, photos: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of 5 bins, colors at the network's positions, and lightness in Lab."""
    random = torch.Generator().manual_seed(0)
    h, w = -(-height // stride), -(-width // stride)
    logits = 3 * torch.randn(photos, 5, h, w, generator=random)
    chroma = 30 * torch.randn(photos, 2, h, w, generator=random)
    return logits, chroma, 100 * torch.rand(photos, 1, height, width, generator=random)


@pytest.mark.parametrize(
    ("size", "stride"), [((12, 16), 4), ((13, 9), 4), ((7, 5), 2), ((6, 8), 1), ((1, 1), 4)]
)
@pytest.mark.parametrize("least", [0.0, 0.7])
def test_is_the_diffusion_of_the_likely_positions(
    size: tuple[int, int], stride: int, least: float
) -> None:
    """Each at the middle of its block, the first after it where the block has no middle."""
    logits, chroma, lightness = scene(*size, stride, photos=2)
    found = diffused(logits, chroma, lightness, LAB, stride, least)
    assert found.shape == (2, 2, *size)
    assert found.dtype == chroma.dtype
    for photo in range(2):
        odds = np.exp(logits[photo].double().numpy())
        top = (odds / odds.sum(axis=0)).max(axis=0)
        seeds, is_seed = np.zeros((2, *size)), np.zeros(size, bool)
        for row in range(top.shape[0]):
            for column in range(top.shape[1]):
                y = min(row * stride + stride // 2, size[0] - 1)
                x = min(column * stride + stride // 2, size[1] - 1)
                is_seed[y, x] = top[row, column] >= min(least, top.max()) - 1e-7
                seeds[:, y, x] = chroma[photo, :, row, column].numpy()
        expected = diffuse(lightness[photo, 0].double().numpy() / 100, seeds, is_seed)
        assert np.abs(found[photo].numpy() - expected).max() < 1e-3
        assert (found[photo].numpy()[:, is_seed] == seeds[:, is_seed].astype(np.float32)).all()


def test_where_nothing_is_likely_the_likeliest_is_the_seed() -> None:
    logits, chroma, lightness = scene(12, 16, 4)
    found = diffused(logits, chroma, lightness, LAB, 4, 1.0)
    top = logits.softmax(dim=1).amax(dim=1)[0]
    row, column = np.unravel_index(int(top.argmax()), top.shape)
    expected = chroma[0, :, row, column][:, None, None].expand(2, 12, 16)
    torch.testing.assert_close(found[0], expected)


def test_takes_the_lightness_in_units_of_its_space() -> None:
    logits, chroma, lightness = scene(12, 16, 4)
    one = diffused(logits, chroma, lightness, LAB, 4, 0.7)
    other = diffused(logits, chroma, lightness / 100, (0.0, 1.0), 4, 0.7)
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def test_without_lightness_it_is_refused() -> None:
    logits, chroma, _ = scene(12, 16, 4)
    with pytest.raises(HuescapeError, match="no lightness to diffuse along"):
        diffused(logits, chroma, None, LAB, 4, 0.5)
