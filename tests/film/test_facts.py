"""What is said of a colored film."""

from __future__ import annotations

from dataclasses import replace

from huescape.film.facts import FilmFacts

WHOLE = FilmFacts(
    frames=1200,
    announced=1210,
    cuts=1,
    undecodable=0,
    damaged=0,
    mended=0,
    lost=0,
    ended="",
    codec="h264",
    encoder="libx264",
    pixel_format="yuv420p",
    size=(360, 480),
    seconds=240.0,
    notes=(),
)


def test_a_whole_film_in_a_line() -> None:
    expected = "1,200 frames of 480 x 360, 2 scenes, h264 to libx264 yuv420p, 5.0 frames a second"
    assert WHOLE.summary == expected
    assert WHOLE.warnings == []
    alone = replace(WHOLE, cuts=None, frames=1).summary
    assert alone.startswith("1 frame of 480 x 360, h264 to")


def test_all_that_went_wrong() -> None:
    broken = replace(WHOLE, undecodable=1, damaged=2, mended=3, lost=4, notes=("first",))
    assert [line.split(" ", 2)[:2] for line in broken.warnings[1:]] == [
        ["1", "packet"],
        ["2", "frames"],
        ["3", "frames"],
        ["4", "packets"],
    ]
    assert broken.warnings[0] == "first"


def test_a_film_that_ends_early() -> None:
    assert replace(WHOLE, frames=600).warnings == ["of about 1,210 frames, 600 came"]
    assert replace(WHOLE, frames=600, announced=None).warnings == []
    said = replace(WHOLE, frames=600, ended="Input/output error").warnings
    assert said == ["the film could not be read to its end: Input/output error"]
