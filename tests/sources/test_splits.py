"""Split lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.splits import read_splits

KEY = "download.sources.0.splits"


def listed(folder: Path, text: str) -> dict[str, str]:
    path = folder / "list.tsv"
    path.write_text(text, encoding="utf-8")
    return read_splits(path, KEY)


def test_tabs_short_names_and_leading_slashes(tmp_path: Path) -> None:
    text = "path\ttfds_split\tsha\n/m/a.jpg\ttr\t1\nm/b.jpg\tva\t2\n./m/c.jpg\tTE\t3\n"
    assert listed(tmp_path, text) == {"m/a.jpg": "train", "m/b.jpg": "val", "m/c.jpg": "test"}


def test_commas_quotes_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = '\ufeffsplit,path\r\ntrain,"a, b.jpg"\r\ntest,c.jpg\r\n'
    assert listed(tmp_path, text) == {"a, b.jpg": "train", "c.jpg": "test"}


def test_the_column_named_split_wins(tmp_path: Path) -> None:
    text = "path,old_split,split\na.jpg,train,test\n"
    assert listed(tmp_path, text) == {"a.jpg": "test"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,split\na.jpg,train\nb.jpg,dev\n", "line 3: split 'dev'; allowed: tr, va"),
        ("path,split\na.jpg\n", "line 2: split ''"),
        ("path,split\na.jpg,train\n/a.jpg,test\n", "line 3: '/a.jpg' is in two splits"),
        ("file,split\na.jpg,train\n", "columns file, split; needed: `path`"),
        ("path,part\na.jpg,train\n", "needed: `path` and `split`"),
        ("", r"columns \(none\)"),
    ],
)
def test_a_bad_list_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HuescapeError, match=message) as caught:
        listed(tmp_path, text)
    assert str(caught.value).startswith(KEY)
    assert "\n" not in str(caught.value)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"splits: .*gone\.csv cannot be read: No such file"):
        read_splits(tmp_path / "gone.csv", KEY)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"path,split\n\xff\xfe,train\n")
    with pytest.raises(HuescapeError, match="not UTF-8"):
        read_splits(tmp_path / "x.csv", KEY)
