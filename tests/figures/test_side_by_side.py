"""Every system is shown once, beside the truth and its gray, on as few grids as can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from huescape.figures import side_by_side


def picture(seed: int, side: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_gray_has_the_lightness_of_the_photo() -> None:
    photo = picture(0)
    found = side_by_side.gray(photo)
    lab = rgb2lab(found)
    assert np.abs(lab[..., 1:]).max() < 0.01
    assert np.abs(lab[..., 0] - rgb2lab(photo)[..., 0]).max() < 0.3  # half a level of 8 bits
    neutral = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=-1)
    np.testing.assert_array_equal(side_by_side.gray(neutral), neutral)


@pytest.mark.parametrize(
    ("systems", "sizes"), [(0, []), (1, [1]), (4, [4]), (5, [2, 3]), (17, [3, 4, 3, 4, 3])]
)
def test_systems_are_spread_over_the_grids(tmp_path: Path, systems: int, sizes: list[int]) -> None:
    columns = [(f"system {k}", [picture(k)]) for k in range(systems)]
    drawn = side_by_side.draw(tmp_path, ["photo"], [picture(99)], columns)
    assert [title for _, titles in drawn for title in titles] == [t for t, _ in columns]
    assert sorted(len(titles) for _, titles in drawn) == sorted(sizes)
    assert [path.name for path, _ in drawn] == [
        f"side-by-side-{k + 1}.png" for k in range(len(sizes))
    ]


def test_the_grid_holds_truth_gray_and_predictions(tmp_path: Path) -> None:
    truths, predicted = [picture(1), picture(2)], [picture(3), picture(4)]
    ((path, _),) = side_by_side.draw(tmp_path, ["a", "b"], truths, [("net", predicted)])
    sheet = np.asarray(Image.open(path).convert("RGB"))
    for shown in [*truths, *map(side_by_side.gray, truths), *predicted]:
        starts = np.argwhere((sheet == shown[0, 0]).all(axis=-1))
        assert any(np.array_equal(sheet[y : y + 48, x : x + 48], shown) for y, x in starts)


def test_long_titles_wrap_after_a_separator() -> None:
    assert side_by_side.wrapped("zhang2016") == "zhang2016"
    assert side_by_side.wrapped("slides_exact_focal_wide") == "slides_exact_focal_\nwide"
    lines = side_by_side.wrapped("x" * 99).split("\n")
    assert [len(line) for line in lines] == [22, 22]
    assert lines[1].endswith("…")
