"""A folder of results is there while they are made, and afterwards if there are any."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.base.folders import made


def test_what_stays_empty_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with made(tmp_path / "mine"):
        pass
    with suppress(KeyboardInterrupt), made(tmp_path / "mine/a/b"):
        (tmp_path / "mine/a/b/c").mkdir()
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]
    with made(tmp_path / "new"):
        (tmp_path / "new/result").touch()
        (tmp_path / "new/empty").mkdir()
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new/result"]


def test_what_cannot_be_made_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, words in (
        ("file", "file: is no folder; name another output"),
        ("file/a", "cannot write to .*file/a: Not a directory"),
        (f"new/{'n' * 300}/a", "cannot write to .*: File name too long"),
    ):
        with pytest.raises(HuescapeError, match=words), made(tmp_path / path):
            pass
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
