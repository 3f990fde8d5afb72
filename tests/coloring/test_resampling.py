"""Resampling by matrices: what Pillow and torch make of the same pixels, at any sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from huescape.color.decoding import upsample_chroma
from huescape.coloring import resampling

SIDES = [(1, 1), (2, 1), (7, 7), (640, 320), (427, 214), (1000, 3), (321, 320), (5, 2)]


@pytest.mark.parametrize(("before", "after"), SIDES)
def test_lanczos_is_pillow_s(before: int, after: int) -> None:
    """Before it rounds: a picture of floats, one row high."""
    row_B = np.random.default_rng(before).uniform(0, 255, before).astype(np.float32)
    image = Image.fromarray(row_B[None]).resize((after, 1), Image.Resampling.LANCZOS)
    found_A = resampling.lanczos(before, after) @ torch.from_numpy(row_B)
    np.testing.assert_allclose(found_A.numpy(), np.asarray(image)[0], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("before", "after"), SIDES)
def test_the_triangle_is_torch_s(before: int, after: int) -> None:
    row_111B = torch.rand(1, 1, 1, before, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(row_111B, (1, after), mode="bilinear", antialias=True)
    found = row_111B @ resampling.triangle(before, after).T
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 4), (2, 9), (7, 7), (80, 320), (3, 320)])
def test_the_cubic_is_torch_s(before: int, after: int) -> None:
    row_111B = torch.rand(1, 1, 1, before, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(row_111B, (1, after), mode="bicubic", align_corners=False)
    found = row_111B @ resampling.cubic(before, after).T
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    if before == after:
        assert torch.equal(found, row_111B)


@pytest.mark.parametrize(("before", "after"), [(7, 7), (1, 7), (3, 7), (28, 7), (20, 7), (8, 3)])
def test_the_pool_is_torch_s(before: int, after: int) -> None:
    row_111B = torch.rand(1, 1, 1, before, generator=torch.Generator().manual_seed(0))
    expected = F.adaptive_avg_pool2d(row_111B, (1, after))
    torch.testing.assert_close(row_111B @ resampling.pool(before, after).T, expected)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(("points", "after"), [(1, 1), (1, 9), (5, 5), (20, 333), (20, 3)])
def test_points_between_pixels_are_those_of_upsample_chroma(
    points: int, after: int, stride: int
) -> None:
    chroma_121p = torch.rand(1, 2, 1, points, generator=torch.Generator().manual_seed(0))
    before = points * stride - (stride - 1) // 2  # a picture that the stride need not divide
    expected = upsample_chroma(chroma_121p, (1, after), stride, (stride, before))
    low, high, share = resampling.between(points, stride, before, after)
    found = torch.lerp(chroma_121p[..., low], chroma_121p[..., high], share)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("count", "total"), [(5, 5), (5, 9), (2, 3), (1, 1)])
def test_a_border_is_mirrored_as_torch_does(count: int, total: int) -> None:
    row_1B = torch.arange(count).double()[None]
    expected = F.pad(row_1B, (0, total - count), mode="reflect")
    found = row_1B[:, resampling.reflected(count, total, torch.tensor(True))]
    assert torch.equal(found, expected)


def test_a_border_with_too_little_to_mirror_is_repeated() -> None:
    assert resampling.reflected(2, 5, torch.tensor(False)).tolist() == [0, 1, 1, 1, 1]


def test_lengths_are_whole_and_halves_go_to_even() -> None:
    assert resampling.lengths((resampling.sizes(427, 425) / 2).round()) == (214, 212)
    assert resampling.lengths(resampling.sizes(1, 7)) == (1, 7)
