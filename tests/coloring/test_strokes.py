"""Hints as a person gives them: what they mean, and one line for what means nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring.strokes import Hint, check_hints, parse_hint, read_mask

RED, GREEN = (220, 30, 40), (30, 200, 60)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def clear(height: int = 20, width: int = 30) -> np.ndarray:
    return np.zeros((height, width, 4), np.uint8)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("320,40,#e08040", Hint(320, 40, (224, 128, 64))),
        (" 0 , 0 , #FFffFF ", Hint(0, 0, (255, 255, 255))),
        ("-3,+5,#000000", Hint(-3, 5, (0, 0, 0))),  # refused once the photo is known
    ],
)
def test_what_a_hint_means(text: str, hint: Hint) -> None:
    assert parse_hint(text) == hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "--hint is '', which has 1 part;"),
        ("10,20", "--hint is '10,20', which has 2 parts;"),
        ("10,20,255,0,0", "which has 5 parts;"),
        ("a,20,#ff0000", "x is 'a', no whole number;"),
        ("10,2.5,#ff0000", "y is '2.5', no whole number;"),
        ("10,,#ff0000", "y is '', no whole number;"),
        ("1e3,2,#ff0000", "x is '1e3', no whole number;"),
        ("\u0661,2,#ff0000", "no whole number;"),
        ("9999999999999999999999,2,#ff0000", "no whole number;"),
        ("10,20,ff0000", "'ff0000' is no color;"),
        ("10,20,#ff00", "'#ff00' is no color;"),
        ("10,20,#ff00zz", "'#ff00zz' is no color;"),
        ("10,20,red", "'red' is no color;"),
        ("10,20,#ff\n000", "is no color;"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(ParamsError) as caught:
        parse_hint(text)
    said = str(caught.value)
    assert words in said
    assert said.endswith("allowed: x,y,#rrggbb, as in 320,40,#e08040")
    assert "\n" not in said


def test_a_hint_is_named_as_it_was_asked_for_and_shown_in_short() -> None:
    with pytest.raises(ParamsError) as caught:
        parse_hint("10,20," + "x" * 10_000, "hint")
    assert str(caught.value).startswith("hint is '10,20,xxx")
    assert len(str(caught.value)) < 250


def test_hints_lie_in_the_photo() -> None:
    check_hints([Hint(0, 0, RED), Hint(29, 19, RED)], (20, 30))
    for x, y in ((30, 0), (0, 20), (-1, 0), (0, -1)):
        with pytest.raises(ParamsError, match="outside the photo of 30 x 20 pixels; allowed: x "):
            check_hints([Hint(0, 0, RED), Hint(x, y, RED)], (20, 30))


def test_strokes_on_a_transparent_ground(tmp_path: Path) -> None:
    """Opaque pixels, gray ones too; the faint fringe of a soft brush is none."""
    rgba_HW4 = clear()
    rgba_HW4[5, 3:9] = (*RED, 255)
    rgba_HW4[5, 9] = (*RED, 90)
    rgba_HW4[12:14, 20] = (128, 128, 128, 255)
    hints = read_mask(save(tmp_path / "mask.png", rgba_HW4), (20, 30))
    expected = [(x, 5, RED) for x in range(3, 9)] + [(20, y, (128,) * 3) for y in (12, 13)]
    assert sorted(hints) == sorted(expected)


def test_paint_on_a_gray_copy_of_the_photo(tmp_path: Path) -> None:
    rgb_HW3 = np.repeat(np.arange(600, dtype=np.uint16).reshape(20, 30, 1) % 256, 3, axis=2)
    rgb_HW3 = rgb_HW3.astype(np.uint8)
    rgb_HW3[7, 4:6] = GREEN
    hints = read_mask(save(tmp_path / "mask.png", rgb_HW3), (20, 30))
    assert sorted(hints) == [(4, 7, GREEN), (5, 7, GREEN)]


def test_a_palette_with_a_transparent_color(tmp_path: Path) -> None:
    image = Image.new("P", (30, 20), 0)
    image.putpalette([255, 0, 255, *RED, *GREEN])
    image.putpixel((11, 6), 1)
    image.putpixel((12, 6), 2)
    image.save(tmp_path / "mask.png", transparency=0)
    assert sorted(read_mask(tmp_path / "mask.png", (20, 30))) == [(11, 6, RED), (12, 6, GREEN)]


def test_a_large_mask_gives_a_hint_for_a_few_pixels_each(tmp_path: Path) -> None:
    """Of equal colors, where they are: no color is mixed with the ground's."""
    rgba_HW4 = clear(1100, 2000)
    rgba_HW4[101:300, 1001:1500] = (*RED, 255)
    hints = read_mask(save(tmp_path / "mask.png", rgba_HW4), (1100, 2000))
    x_P, y_P = np.array([hint[:2] for hint in hints]).T
    assert {hint.color for hint in hints} == {RED}
    assert 199 * 499 / 16 <= len(hints) < 1.1 * 199 * 499 / 16
    assert 1001 <= x_P.min() <= x_P.max() <= 1499
    assert 101 <= y_P.min() <= y_P.max() <= 299
    assert x_P.mean() == pytest.approx(1250, abs=1)


def test_wrong_masks_are_refused_in_one_line(tmp_path: Path) -> None:
    stroke = clear()
    stroke[3, 3] = (*RED, 255)
    save(tmp_path / "small.png", stroke)
    save(tmp_path / "photo.jpg", stroke[..., :3])
    save(tmp_path / "clear.png", clear())
    save(tmp_path / "gray.png", np.full((20, 30), 90, np.uint8))
    (tmp_path / "cut.png").write_bytes((tmp_path / "small.png").read_bytes()[:50])
    (tmp_path / "text.png").write_text("no picture")
    for name, size, words in (
        ("small.png", (30, 20), "has 30 x 20 pixels, and the photo 20 x 30 pixels; allowed: a"),
        ("photo.jpg", (20, 30), "is of the format JPEG; allowed: a PNG of the photo's size"),
        ("clear.png", (20, 30), "shows no stroke; allowed: colored strokes on a transparent"),
        ("gray.png", (20, 30), "shows no stroke; allowed: colored strokes on a transparent"),
        ("cut.png", (20, 30), "allowed: a PNG of the photo's size"),
        ("text.png", (20, 30), "allowed: a PNG of the photo's size"),
        ("none.png", (20, 30), "No such file or directory; allowed: a PNG of the photo's size"),
    ):
        with pytest.raises(HuescapeError) as caught:
            read_mask(tmp_path / name, size)
        said = str(caught.value)
        assert said.startswith(f"{tmp_path / name}: ")
        assert words in said
        assert said.count(str(tmp_path)) == 1
