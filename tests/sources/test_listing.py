"""Ids and recorded paths."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.sources.listing import photo_ids, recorded_path, require_folder

stems = st.sampled_from(["a", "b", "a.jpg", "a.png", "d/a", "a.jpg.png"])
keys = st.lists(st.builds("{}{}".format, stems, st.sampled_from([".jpg", ".png", ".JPG"])))


def test_the_extension_is_left_out() -> None:
    assert photo_ids("sun", ["m/a.jpg", "m/b.JPEG"]) == ["sun/m/a", "sun/m/b"]


def test_both_of_two_that_differ_by_extension_keep_it() -> None:
    assert photo_ids("s", ["a.jpg", "a.png", "b.jpg"]) == ["s/a.jpg", "s/a.png", "s/b"]


@given(keys.map(lambda names: sorted(set(names))))
def test_ids_are_unique_and_tell_the_file(names: list[str]) -> None:
    ids = photo_ids("s", names)
    assert len(set(ids)) == len(names)
    for name, id_ in zip(names, ids, strict=True):
        assert id_ in (f"s/{name}", f"s/{PurePosixPath(name).with_suffix('')}")


def test_paths_inside_the_working_folder_are_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert recorded_path(work / "data" / "a.jpg") == "data/a.jpg"
    assert recorded_path(Path("data/../b.jpg")) == "b.jpg"
    assert recorded_path(Path("../shared/a.jpg")) == "../shared/a.jpg"
    assert recorded_path(tmp_path / "a.jpg") == str(tmp_path / "a.jpg")


def test_a_linked_folder_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "photos").symlink_to(tmp_path)
    monkeypatch.chdir(work)
    assert recorded_path(Path("photos/a.jpg")) == "photos/a.jpg"


def test_a_folder_that_is_none_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HuescapeError, match=r"sources\.0\.root: .*gone does not exist; look"):
        require_folder(str(tmp_path / "gone"), "download.sources.0.root", "look elsewhere")
    with pytest.raises(HuescapeError, match="is not a folder"):
        require_folder(str(tmp_path / "file"), "download.sources.0.root", "")
