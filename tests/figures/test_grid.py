"""The grid holds the pictures, pixel by pixel, where it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from huescape.figures import grid


def pictures(height: int, width: int, count: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(height)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def holds(sheet: np.ndarray, picture: np.ndarray) -> bool:
    """Whether the picture is somewhere in the sheet, unscaled."""
    height, width = picture.shape[:2]
    starts = np.argwhere((sheet == picture[0, 0]).all(axis=-1))
    return any(
        np.array_equal(sheet[top : top + height, left : left + width], picture)
        for top, left in starts
    )


def test_pictures_that_fit_are_not_scaled(tmp_path: Path) -> None:
    rows = [("first", pictures(30, 40)), ("second", pictures(50, 40))]
    grid.draw(tmp_path / "grid.png", ("Truth", "median"), rows, width=40)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    for _, row in rows:
        for picture in row:
            assert holds(sheet, picture)


def test_pictures_are_shrunk_and_never_enlarged(tmp_path: Path) -> None:
    small = pictures(10, 12)
    grid.draw(tmp_path / "grid.png", ("a", "b"), [("x", small)], width=40)
    assert holds(np.asarray(Image.open(tmp_path / "grid.png")), small[0])
    grid.draw(tmp_path / "tall.png", ("a", "b"), [("x", pictures(400, 40))], width=40)
    assert Image.open(tmp_path / "tall.png").height < 150


def test_titles_and_captions_are_drawn(tmp_path: Path) -> None:
    for name, titles, caption in (
        ("a", ("", ""), ""),
        ("b", ("T", "g"), ""),
        ("c", ("", ""), "id"),
    ):
        grid.draw(tmp_path / f"{name}.png", titles, [(caption, pictures(30, 40))], width=40)
    drawn = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in "abc"]
    assert (drawn[0] != drawn[1]).any()
    assert (drawn[0] != drawn[2]).any()


def test_a_long_caption_stays_inside(tmp_path: Path) -> None:
    caption = "folder/" * 40 + "photo"
    grid.draw(tmp_path / "grid.png", ("a", "b"), [(caption, pictures(30, 60))], width=60)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    assert (sheet[:, -4:] == 255).all()
    assert (sheet[:, :4] == 255).all()


def test_photos_stand_side_by_side_each_below_its_titles(tmp_path: Path) -> None:
    rows = [(f"photo {k}", pictures(30 + k, 40)) for k in range(5)]
    grid.draw(tmp_path / "one.png", ("a", "b"), rows, width=40)
    grid.draw(tmp_path / "two.png", ("a", "b"), rows, width=40, across=2)
    one, two = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("one", "two"))
    assert two.shape[1] == 2 * one.shape[1] - 8 + 24
    assert two.shape[0] < 0.7 * one.shape[0]
    assert all(holds(two, picture) for _, row in rows for picture in row)
    np.testing.assert_array_equal(two[:30, 128:], one[:30, 8:])  # the titles
    for left, number in ((8, 2), (128, 3)):
        (top,) = np.flatnonzero((two[:, left : left + 40] == rows[number][1][0][0]).all((1, 2)))
        assert top == 34 + 31 + 20 + 8  # below the higher one of the line before


def test_the_last_columns_of_a_photo_may_be_missing(tmp_path: Path) -> None:
    one, two = pictures(30, 40)
    rows = [("a", [one, two]), ("b", [two])]
    grid.draw(tmp_path / "grid.png", ("x", "y"), rows, width=40)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    assert (sheet[34 + 58 : 34 + 58 + 30, 8 + 48 :] == 255).all()


def test_a_caption_of_two_lines_is_higher(tmp_path: Path) -> None:
    for name, caption in (("one", "name"), ("two", "name\nscore")):
        rows = [(caption, pictures(30, 60))] * 2
        grid.draw(tmp_path / f"{name}.png", ("a", "b"), rows, width=60, letters=14)
    one, two = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("one", "two"))
    assert two.shape[0] == one.shape[0] + 2 * 19
    np.testing.assert_array_equal(two[:80], one[:80])
    assert (two[85:104] < 128).any()


def test_the_same_bytes(tmp_path: Path) -> None:
    grid.draw(tmp_path / "a.png", ("a", "b"), [("x", pictures(30, 40))])
    grid.draw(tmp_path / "b.png", ("a", "b"), [("x", pictures(30, 40))])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
