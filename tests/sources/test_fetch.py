"""Downloads from a real server on loopback, with real faults."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.fetch import Patience, check_room, fetch

QUICK = Patience(tries=3, pause=0.001, timeout=5)
CONTENT = os.urandom(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "archives" / "SUN397.tar.gz"


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_whole_file_comes(server: Any, target: Path) -> None:
    server.content = CONTENT
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["SUN397.tar.gz"]
    assert server.asked == [None]


@pytest.mark.parametrize("etag", ['"one"', None])
def test_a_broken_connection_is_continued(server: Any, target: Path, etag: str | None) -> None:
    server.content, server.cuts, server.etag = CONTENT, [100_000, 50_000], etag
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_goes_on(server: Any, target: Path) -> None:
    server.content, server.cuts = CONTENT, [100_000, 0, 0, 0, 0]
    with pytest.raises(
        HuescapeError, match=r"no progress in 3 tries: 100000 of 300000 .*run again"
    ):
        fetch(server.url, target, MD5, patience=QUICK)
    assert not target.exists()
    assert (target.parent / "SUN397.tar.gz.part").stat().st_size == 100_000
    server.cuts, server.asked = [], []
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert server.asked == ["bytes=100000-"]


def test_a_server_that_ignores_ranges_starts_anew(server: Any, target: Path) -> None:
    server.content, server.ranges, server.cuts = CONTENT, False, [100_000, 200_000]
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=200000-"]


def test_a_server_that_always_breaks_is_given_up(server: Any, target: Path) -> None:
    server.content, server.ranges, server.cuts = CONTENT, False, [100_000] * 50
    with pytest.raises(HuescapeError, match="no progress in 3 tries"):
        fetch(server.url, target, MD5, patience=QUICK)
    assert len(server.asked) == 4


def test_a_file_that_changed_on_the_server_starts_anew(server: Any, target: Path) -> None:
    server.content, server.cuts = CONTENT, [100_000, 0, 0, 0]
    with pytest.raises(HuescapeError):
        fetch(server.url, target, patience=QUICK)
    server.content, server.etag, server.cuts = CONTENT[::-1], '"two"', []
    fetch(server.url, target, patience=QUICK)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_file_that_shrank_on_the_server_starts_anew(server: Any, target: Path) -> None:
    server.content, server.etag, server.cuts = CONTENT, None, [100_000, 0, 0, 0]
    with pytest.raises(HuescapeError):
        fetch(server.url, target, MD5, patience=QUICK)
    server.content, server.cuts = CONTENT[:50_000], []
    fetch(server.url, target, hashlib.md5(CONTENT[:50_000]).hexdigest(), patience=QUICK)
    assert target.read_bytes() == CONTENT[:50_000]


def test_without_validator_and_checksum_nothing_is_continued(server: Any, target: Path) -> None:
    server.content, server.etag, server.cuts = CONTENT, None, [100_000]
    fetch(server.url, target, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, None]


def test_a_partial_file_from_another_address_is_not_continued(server: Any, target: Path) -> None:
    server.content, server.cuts = CONTENT, [100_000, 0, 0, 0]
    with pytest.raises(HuescapeError):
        fetch(server.url, target, patience=QUICK)
    server.cuts, server.asked = [], []
    fetch(server.url + "?mirror", target, patience=QUICK)
    assert server.asked == [None]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "validator", [5, ["x"], {}, "two\nlines", " x", "x\r\nRange: bytes=0-", "\u2603", "\x00"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_damaged_note_starts_anew(
    server: Any, target: Path, validator: object, whole: bool
) -> None:
    server.content, server.cuts = CONTENT, [100_000, 0, 0, 0]
    with pytest.raises(HuescapeError):
        fetch(server.url, target, MD5, patience=QUICK)
    text = json.dumps({"url": server.url, "validator": validator})
    (target.parent / "SUN397.tar.gz.part.json").write_text(text if whole else text[:-3])
    server.cuts, server.asked = [], []
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None]
    assert leftovers(target) == ["SUN397.tar.gz"]


def test_a_complete_partial_file_is_only_verified(server: Any, target: Path) -> None:
    """The process was killed between the last byte and the new name."""
    server.content, server.cuts = CONTENT, [100_000, 0, 0, 0]
    with pytest.raises(HuescapeError):
        fetch(server.url, target, MD5, patience=QUICK)
    (target.parent / "SUN397.tar.gz.part").write_bytes(CONTENT)
    server.cuts = []
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=300000-"


def test_a_wrong_checksum_names_both_and_the_file_is_set_aside(server: Any, target: Path) -> None:
    server.content = CONTENT
    wrong = "0" * 32
    with pytest.raises(HuescapeError, match=f"md5 is {MD5}, expected {wrong}.*corrupt"):
        fetch(server.url, target, wrong, patience=QUICK)
    assert "SUN397.tar.gz.corrupt" in leftovers(target)
    assert not target.exists()
    fetch(server.url, target, MD5, patience=QUICK)
    assert server.asked == [None, None]


def test_a_server_without_length_works(server: Any, target: Path) -> None:
    server.content, server.length = CONTENT, False
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(server: Any, target: Path, status: int) -> None:
    server.statuses = [status]
    with pytest.raises(HuescapeError, match=f"the server answers {status} .*check `url`") as caught:
        fetch(server.url, target, MD5, patience=QUICK)
    assert "\n" not in str(caught.value)
    assert server.asked == [None]


def test_a_busy_server_is_asked_again(server: Any, target: Path) -> None:
    server.content, server.statuses = CONTENT, [503, 429]
    fetch(server.url, target, MD5, patience=QUICK)
    assert target.read_bytes() == CONTENT


def test_nobody_answers(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HuescapeError, match=r"no progress in 3 tries: .*refused"):
        fetch("http://127.0.0.1:9/SUN397.tar.gz", target, patience=QUICK)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2  # one for each pause, so that nobody waits in silence
    assert all("refused; trying again in 0 s" in line for line in lines)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "SUN397.tar.gz"])
def test_other_addresses_are_refused(target: Path, url: str) -> None:
    with pytest.raises(HuescapeError, match="does not begin with http"):
        fetch(url, target)


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1/a", "http://a:port/b", "http://*.x:99999/"]
)
def test_what_is_no_address_is_said_at_once(target: Path, url: str) -> None:
    with pytest.raises(HuescapeError, match="not an address"):
        fetch(url, target, patience=QUICK)


def test_a_full_disk_is_known_before_the_first_byte(
    server: Any, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = CONTENT
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000_000_000))
    fetch(server.url, target, patience=QUICK)
    target.unlink()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=200_000))
    with pytest.raises(HuescapeError, match=r"0\.0 GB needed, 0\.0 GB free"):
        fetch(server.url, target, patience=QUICK)
    assert not target.exists()
    assert leftovers(target) == []


def test_room_is_asked_for_what_is_missing(server: Any, target: Path) -> None:
    asked: list[int] = []
    server.content, server.cuts = CONTENT, [100_000, 0, 0, 0]
    with pytest.raises(HuescapeError):
        fetch(server.url, target, MD5, room=asked.append, patience=QUICK)
    server.cuts = []
    fetch(server.url, target, MD5, room=asked.append, patience=QUICK)
    assert asked == [300_000, 200_000]


def test_check_room_says_how_much(tmp_path: Path) -> None:
    check_room(tmp_path / "deep" / "file", 1000)
    with pytest.raises(HuescapeError, match=r"no room for the photos: 1000000000\.0 GB needed, \d"):
        check_room(tmp_path / "deep" / "file", 10**18, "the photos")


def test_a_disk_that_fails_is_no_lost_connection(server: Any, target: Path) -> None:
    def refuse(head: bytes, whole: bool) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    server.content = CONTENT
    with pytest.raises(HuescapeError, match=r"cannot write .*\.part: Input/output error"):
        fetch(server.url, target, MD5, refuse=refuse, patience=QUICK)
    assert server.asked == [None], "it was asked again"


def test_a_folder_that_cannot_be_made_is_named(server: Any, tmp_path: Path) -> None:
    server.content = CONTENT
    (tmp_path / "file").touch()
    with pytest.raises(HuescapeError, match=r"cannot write .*file"):
        fetch(server.url, tmp_path / "file" / "x.tar", patience=QUICK)
