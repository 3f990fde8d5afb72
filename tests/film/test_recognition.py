"""Films are told from photos by what they hold; names decide only what is not recognized."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from huescape.base.errors import ParamsError
from huescape.film import is_film
from huescape.film.recognition import MUXERS, muxer_of
from tests.film.films import make_film, waves


@pytest.mark.parametrize("suffix", sorted(MUXERS))
def test_what_is_written_is_recognized_whatever_its_name(suffix: str, tmp_path: Path) -> None:
    codec = {".webm": "libvpx", ".mpg": "mpeg2video", ".mpeg": "mpeg2video"}.get(suffix, "libx264")
    film = make_film(tmp_path / f"a{suffix}", waves(48, 64, 4), codec, time_base=Fraction(1, 25))
    assert is_film(film)
    assert is_film(film.rename(tmp_path / "a.jpg"))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.gif", "a.avif"])
def test_photos_are_none_even_if_they_are_called_films(name: str, tmp_path: Path) -> None:
    photo = tmp_path / name
    Image.new("RGB", (64, 48), "teal").save(photo)
    assert not is_film(photo)
    assert not is_film(photo.rename(tmp_path / "a.mp4"))


def test_what_is_not_recognized_goes_by_its_name(tmp_path: Path) -> None:
    for name in ("text.mp4", "text.MKV", "text.wmv"):
        (tmp_path / name).write_text("no film")
        assert is_film(tmp_path / name)
    (tmp_path / "text.txt").write_text("no film")
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    assert not is_film(tmp_path / "text.txt")
    assert not is_film(tmp_path / "folder.mp4")
    assert is_film(tmp_path / "pipe.mp4")
    assert is_film(tmp_path / "absent.mp4")
    assert not is_film(tmp_path / "absent.jpg")
    assert not is_film(tmp_path / f"{'n' * 300}.jpg")  # a name that no disk takes
    assert is_film(tmp_path / f"{'n' * 300}.mp4")


def test_a_song_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    assert not is_film(tmp_path / "a.m4a")


def test_the_suffix_names_the_container() -> None:
    assert muxer_of(Path("a/b.MKV")) == "matroska"
    with pytest.raises(ParamsError, match=r"b\.png: no film is written as \.png; allowed: \.mp4"):
        muxer_of(Path("b.png"))
    with pytest.raises(ParamsError, match="without a suffix"):
        muxer_of(Path("b"))
