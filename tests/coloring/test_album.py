"""Which photos are found, and what their results are called."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring.album import (
    Naming,
    Photo,
    find_photos,
    is_one_file,
    result_names,
    source_of,
)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def photos(*names: str) -> list[Photo]:
    return [Photo(Path(name), PurePosixPath(Path(name).name)) for name in names]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def places(*named: str, out: str = "out") -> list[str]:
    return [str(photo.place) for photo in find_photos(named, Path(out)).photos]


def test_files_folders_and_patterns(here: Path) -> None:
    touch(here, "a.jpg", "odd name", "in/b.png", "in/deep/c.TIF", "in/x.txt", "d1.jpg", "d2.jpg")
    assert places("a.jpg", "odd name") == ["a.jpg", "odd name"]
    assert places("in") == ["b.png", "deep/c.TIF"]
    assert places("d*.jpg") == ["d1.jpg", "d2.jpg"]
    assert places("d?.jpg", "in", "a.jpg") == ["d1.jpg", "d2.jpg", "b.png", "deep/c.TIF", "a.jpg"]
    assert places("in/**/*.TIF") == ["c.TIF"]
    assert places(str(here / "d*.jpg")) == ["d1.jpg", "d2.jpg"]


def test_a_name_with_brackets_is_a_file_where_there_is_one(here: Path) -> None:
    touch(here, "a[1].jpg", "a1.jpg")
    assert places("a[1].jpg") == ["a[1].jpg"]


def test_a_pattern_takes_photos_and_the_folders_of_photos(here: Path) -> None:
    touch(here, "x/a.jpg", "x/notes.txt", "x/.hidden.jpg", "x/sub/b.jpg", "x/film.mov")
    found = find_photos(["x/*"], Path("out"))
    assert [str(photo.place) for photo in found.photos] == ["a.jpg", "b.jpg"]
    assert found.words == ["x/*: not read: 1 video .mov"]


def test_what_is_not_there_is_a_photo_that_cannot_be_read(here: Path) -> None:
    assert places("absent.jpg", "no*.jpg") == ["absent.jpg", "no*.jpg"]
    assert places("n" * 300) == ["n" * 300]


def test_a_file_of_two_names_is_taken_once(here: Path) -> None:
    touch(here, "in/a.jpg", "b.jpg")
    (here / "in/link.jpg").symlink_to(here / "b.jpg")
    (here / "loop.jpg").symlink_to("loop.jpg")
    assert places("b.jpg", "./b.jpg", "in", "in/a.jpg", "loop.jpg") == [
        "b.jpg",
        "a.jpg",
        "loop.jpg",
    ]


def test_what_is_left_out_of_a_folder_is_said(here: Path) -> None:
    touch(here, "in/a.jpg", "in/b.mov", "in/.hidden/c.jpg")
    found = find_photos(["in"], Path("out"))
    assert found.words == ["in: skipped: 1 folders .hidden", "in: not read: 1 video .mov"]


def test_a_folder_without_a_photo(here: Path) -> None:
    touch(here, "none/a.txt", "a.jpg")
    with pytest.raises(HuescapeError, match="none: no photo in there"):
        find_photos(["none"], Path("out"))
    found = find_photos(["none", "a.jpg"], Path("out"))
    assert found.empty == [Path("none")]


@pytest.mark.parametrize(
    ("place", "out"), [("in", "in/out"), ("in", "in"), ("in/deep", "in"), ("link", "in/out")]
)
def test_the_output_is_no_input_folder(here: Path, place: str, out: str) -> None:
    touch(here, "in/deep/a.jpg")
    (here / "link").symlink_to("in")
    with pytest.raises(ParamsError, match=rf"--output {out}: lies in {place}, whose photos"):
        find_photos([place], Path(out))


def test_when_the_output_is_a_file(here: Path) -> None:
    one, two = photos("a.jpg"), photos("a.jpg", "b.jpg")
    assert is_one_file(Path("x.png"), one)
    assert is_one_file(Path("new/x.TIFF"), one)
    assert not is_one_file(Path("x"), one)
    assert not is_one_file(Path("x.y"), two)
    (here / "folder.png").mkdir()
    assert not is_one_file(Path("folder.png"), two)
    with pytest.raises(ParamsError, match=r"--output x\.png: a file, for 2 photos; allowed"):
        is_one_file(Path("x.png"), two)
    with pytest.raises(ParamsError, match=r"--output x\.heic: no format of results; .*\.png"):
        is_one_file(Path("x.heic"), one)


def named(*names: str, naming: Naming | None = None) -> list[str]:
    return result_names(photos(*names), Path("out"), naming or Naming(), {})


def test_results_are_called_like_their_photos(here: Path) -> None:
    names = [
        "a.jpg",
        "B.JPEG",
        "c.png",
        "d.TIF",
        "e.webp",
        "f.bmp",
        "g.heic",
        "h",
        "i.gif",
        "j.mpo",
    ]
    assert named(*names) == [
        *("a.jpg", "B.JPEG", "c.png", "d.TIF", "e.webp", "f.png", "g.png", "h.png", "i.png"),
        "j.jpg",
    ]
    assert named("a.jpg", "b.TIF", naming=Naming("-colored")) == ["a-colored.jpg", "b-colored.TIF"]
    assert named("a.jpg", "b.TIF", naming=Naming(format="tiff")) == ["a.tiff", "b.TIF"]
    assert named("a.tar.png", naming=Naming(format="jpg")) == ["a.tar.jpg"]
    deep = [Photo(Path("in/x/a.gif"), PurePosixPath("x/a.gif"))]
    assert result_names(deep, Path("out"), Naming("-c"), {}) == ["x/a-c.png"]


def test_equal_names_are_numbered_whatever_their_case(here: Path) -> None:
    assert named("a/p.png", "b/P.png", "c/p.bmp", "d/p-2.png") == [
        *("p.png", "P-2.png", "p-3.png", "p-2-2.png"),
    ]
    touch(here, "out/p.png", "out/q.png")
    assert named("out/p.png", "x/q.png") == ["p-2.png", "q.png"]


def test_a_photo_keeps_the_name_that_its_result_had(here: Path) -> None:
    assert named("c/p.png", "a/p.png", "b/p.png") == ["p.png", "p-2.png", "p-3.png"]
    before = {"a/p.png": "p.png", "b/p.png": "p-2.png"}
    known = {source_of(Path(photo), Path("out")): [name] for photo, name in before.items()}
    found = result_names(photos("c/p.png", "a/p.png", "b/p.png"), Path("out"), Naming(), known)
    assert found == ["p-3.png", "p.png", "p-2.png"]
    # Not where it is to have another one.
    found = result_names(photos("b/p.png"), Path("out"), Naming("-x"), known)
    assert found == ["p-x.png"]


@pytest.mark.parametrize("suffix", ["/x", "a\\b", "\n", "\0", "x" * 101])
def test_a_suffix_that_no_name_can_have(suffix: str) -> None:
    with pytest.raises(ParamsError, match=r"--suffix is .*; allowed: up to 100 printable"):
        Naming(suffix).check()
    Naming("-colored (1)").check()
