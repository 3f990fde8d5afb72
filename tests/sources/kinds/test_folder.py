"""Source folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.kinds.folder import list_folder

KEY = "download.sources.0"


def test_categories_are_folders_and_all_are_core(
    tmp_path: Path, make_tree: Callable[..., Path]
) -> None:
    make_tree(tmp_path, {"a.jpg": b"1", "alps/b.png": b"22", "alps/north/c.tif": b"333"})
    found = list_folder(str(tmp_path), KEY)
    assert [(f.key, f.category, f.bytes) for f in found] == [
        ("a.jpg", "", 1),
        ("alps/b.png", "alps", 2),
        ("alps/north/c.tif", "alps/north", 3),
    ]
    assert {f.tier for f in found} == {"core"}
    assert all(f.offset is None and f.path.is_file() for f in found)


def test_no_photos_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(HuescapeError, match=r"sources\.0\.root: no photo below .*\.jpg.*\.bmp"):
        list_folder(str(tmp_path), KEY)


def test_a_folder_of_what_is_not_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    (tmp_path / "a.CR2").touch()
    with pytest.raises(HuescapeError, match=r"not read: 1 broken links, 1 camera raw \.cr2$"):
        list_folder(str(tmp_path), KEY)


def test_real_photos(photos: Path) -> None:
    assert len(list_folder(str(photos / "bsds500"), KEY)) == 200
