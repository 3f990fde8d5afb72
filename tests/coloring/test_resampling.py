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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1, 1), (1, 1)),
        ((64, 64), (64, 64)),
        ((427, 640), (214, 320)),
        ((816, 1224), (213, 320)),
        ((7, 1300), (2, 320)),
        ((9, 640), (4, 320)),
        ((321, 321), (320, 320)),
        ((2000, 1500), (8, 6)),
    ],
)
def test_shrinking_gives_the_levels_of_pillow(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    """All of them, of noise, and of black beside white, where Lanczos leaves the levels."""
    rng = np.random.default_rng(sum(before))
    for rgb_HW3 in (
        rng.integers(0, 256, (*before, 3), dtype=np.uint8),
        rng.integers(0, 2, (*before, 3), dtype=np.uint8) * 255,
    ):
        assert not apart(rgb_HW3, after).any()


def test_a_tall_picture_may_be_shrunk_in_the_other_order() -> None:
    """Pillow 13 begins with the height."""
    rgb_HW3 = np.random.default_rng(0).integers(0, 256, (1300, 40, 3), dtype=np.uint8)
    assert apart(rgb_HW3, (320, 10)).max() <= 1


def apart(rgb_HW3: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """By how many levels the shrunk picture differs from Pillow's."""
    image = Image.fromarray(rgb_HW3).resize(size[::-1], Image.Resampling.LANCZOS)
    levels_3HW = torch.from_numpy(rgb_HW3).permute(2, 0, 1).float()
    found_3hw = resampling.shrunk(levels_3HW, *size)
    return np.abs(found_3hw.permute(1, 2, 0).numpy() - np.asarray(image))


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
