"""The walk over a tree of photos."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from huescape.errors import HuescapeError
from huescape.sources.walk import is_photo_name, walk_photos


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_every_suffix_in_either_case_and_nothing_else(tmp_path: Path) -> None:
    kept = ["a.jpg", "b.JPEG", "c/d.png", "c/e.TIF", "c/f/g.tiff", "h.webp", "i.Bmp"]
    touch(tmp_path, *kept, "a.txt", "jpg", "a.jpg.part", "c/thumbs.db", "movie.gif")
    assert walk_photos(tmp_path) == sorted(kept)


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", ".b.jpg", ".hidden/c.jpg", "d/._e.jpg")
    assert walk_photos(tmp_path) == ["a.jpg"]


def test_a_loop_of_links_ends_and_real_folders_come_first(tmp_path: Path) -> None:
    touch(tmp_path, "z/real.jpg")
    (tmp_path / "z" / "up").symlink_to(tmp_path)
    (tmp_path / "a").symlink_to(tmp_path / "z")
    (tmp_path / "self").symlink_to("self")
    assert walk_photos(tmp_path) == ["z/real.jpg"]


def test_links_to_elsewhere_are_followed(tmp_path: Path) -> None:
    touch(tmp_path, "outside/one.jpg", "outside/deep/two.jpg", "root/three.jpg")
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "four.jpg").symlink_to(tmp_path / "outside" / "one.jpg")
    expected = ["four.jpg", "linked/deep/two.jpg", "linked/one.jpg", "three.jpg"]
    assert walk_photos(tmp_path / "root") == expected


def test_a_dangling_link_is_listed_and_a_pipe_is_not(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert walk_photos(tmp_path) == ["gone.jpg"]


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    with pytest.raises(HuescapeError, match=r"caf\\udce9.*not UTF-8"):
        walk_photos(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="nothing: cannot be read"):
        walk_photos(tmp_path / "nothing")


def test_names() -> None:
    assert is_photo_name("a.JPG")
    assert not is_photo_name(".a.jpg")
    assert not is_photo_name("a.jpgx")
