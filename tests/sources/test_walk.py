"""The walk over a tree of photos."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.walk import LeftOut, is_photo_name, walk_photos


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_every_suffix_in_either_case_and_nothing_else(tmp_path: Path) -> None:
    kept = ["a.jpg", "b.JPEG", "c/d.png", "c/e.TIF", "c/f/g.tiff", "h.webp", "i.Bmp"]
    kept += ["j.HEIC", "k.avif", "l.jfif", "m.jpe", "n.jp2", "o.gif", "p.heif", "q.ppm"]
    touch(tmp_path, *kept, "a.txt", "jpg", "a.jpg.part", "c/thumbs.db", "movie.mp4")
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


def test_what_is_no_file_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "folder.jpg/a.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "itself.jpg").symlink_to("itself.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    server = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # the path of a socket has to be short
    server.bind("socket.jpg")
    left_out = LeftOut()
    server.close()
    assert walk_photos(tmp_path, left_out) == ["folder.jpg/a.jpg"]
    assert left_out.lines() == ["not read: 2 broken links, 2 pipes or devices"]


def test_names_that_are_not_utf8_are_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"\xff/b.jpg"))
    touch(tmp_path, os.fsdecode(b"notes-\xe9.txt"))
    left_out = LeftOut()
    assert walk_photos(tmp_path, left_out) == ["a.jpg"]
    assert left_out.lines() == [
        "not read: 1 folders whose names are not UTF-8, 1 photos whose names are not UTF-8"
    ]


def test_trash_and_thumbnails_are_skipped_and_counted(tmp_path: Path) -> None:
    folders = [
        "@eaDir", "#recycle", "$RECYCLE.BIN", ".Trash-1000", ".thumbnails", ".@__thumb",
        "__MACOSX", "lost+found", "@Recycle", "System Volume Information",
    ]  # fmt: skip
    for folder in folders:
        touch(tmp_path, f"album/{folder}/a.jpg", f"album/{folder}/deep/b.jpg")
    touch(tmp_path, "album/c.jpg", "album/@eaDir.jpg", "album/my lost+found/d.jpg", "._e.jpg")
    touch(tmp_path, "trip/@eaDir/f.jpg", "Thumbs.db", ".DS_Store")
    left_out = LeftOut()
    expected = ["album/@eaDir.jpg", "album/c.jpg", "album/my lost+found/d.jpg"]
    assert walk_photos(tmp_path, left_out) == expected
    assert left_out.skipped == {
        **{f"folders {name}": 1 for name in folders},
        "folders @eaDir": 2,
        "hidden photos": 1,
    }
    assert len(left_out.lines()) == 1


def test_a_system_folder_that_cannot_be_read_does_no_harm(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "lost+found/b.jpg")
    (tmp_path / "lost+found").chmod(0)
    assert walk_photos(tmp_path) == ["a.jpg"]
    (tmp_path / "lost+found").chmod(0o755)


def test_other_pictures_are_counted_by_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.CR2", "c.cr2", "d.nef", "e.psd", "f.svg", "g.MOV", "h.txt", "i")
    left_out = LeftOut()
    assert walk_photos(tmp_path, left_out) == ["a.jpg"]
    assert left_out.lines() == [
        "not read: 2 camera raw .cr2, 1 camera raw .nef, 1 picture .psd, 1 picture .svg, "
        "1 video .mov"
    ]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="nothing: cannot be read"):
        walk_photos(tmp_path / "nothing")


def test_names() -> None:
    assert is_photo_name("a.JPG")
    assert not is_photo_name(".a.jpg")
    assert not is_photo_name("a.jpgx")
