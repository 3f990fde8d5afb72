"""The record of own results: read after any damage, never a reason to lose a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xxhash

from huescape.base.errors import HuescapeError
from huescape.coloring.record import NAME, Entry, Record, append, held, read_record


def entry(name: str, content: bytes, **changes: object) -> Entry:
    values = {
        "name": name,
        "source": f"../in/{name}",
        "source_size": 5,
        "source_mtime_ns": 7,
        "settings": {"strength": 1.0},
        "size": len(content),
        "xxh3": xxhash.xxh3_128_hexdigest(content),
    }
    return Entry(**{**values, **changes})


def written(out: Path, name: str, content: bytes, **changes: object) -> Entry:
    found = entry(name, content, **changes)
    append(out, found)
    (out / name).write_bytes(content)
    return found


def test_what_was_written_is_known_until_it_changes(tmp_path: Path) -> None:
    first = written(tmp_path, "a.png", b"one")
    second = written(tmp_path, "a.png", b"two!", source="../other")
    record = read_record(tmp_path / NAME)
    assert record.current(tmp_path, "a.png") == second
    (tmp_path / "a.png").write_bytes(b"one")  # a run that was killed had only announced the other
    assert record.current(tmp_path, "a.png") == first
    (tmp_path / "a.png").write_bytes(b"0ne")
    assert record.current(tmp_path, "a.png") is None
    (tmp_path / "a.png").unlink()
    assert record.current(tmp_path, "a.png") is None
    assert record.current(tmp_path, "b.png") is None
    assert record.damaged == []


def test_a_link_or_a_folder_is_nobody_s_result(tmp_path: Path) -> None:
    written(tmp_path, "a.png", b"one")
    record = read_record(tmp_path / NAME)
    (tmp_path / "a.png").rename(tmp_path / "elsewhere")
    (tmp_path / "a.png").symlink_to(tmp_path / "elsewhere")
    assert record.current(tmp_path, "a.png") is None
    (tmp_path / "a.png").unlink()
    (tmp_path / "a.png").mkdir()
    assert record.current(tmp_path, "a.png") is None


def test_names_by_source_the_last_first(tmp_path: Path) -> None:
    append(tmp_path, entry("a.png", b"", source="s"))
    append(tmp_path, entry("b.png", b"", source="s"))
    append(tmp_path, entry("a.png", b"", source="t"))
    names = read_record(tmp_path / NAME).names()
    assert names == {"s": ["b.png", "a.png"], "t": ["a.png"]}


@pytest.mark.parametrize("cut", range(1, 200, 13))
def test_a_line_that_a_kill_cut_off_costs_that_line(tmp_path: Path, cut: int) -> None:
    first = written(tmp_path, "a.png", b"one")
    whole = (tmp_path / NAME).read_bytes()
    append(tmp_path, entry("b.png", b"two"))
    (tmp_path / NAME).write_bytes(whole + (tmp_path / NAME).read_bytes()[len(whole) :][:cut])
    with held(tmp_path) as record:
        assert record.current(tmp_path, "a.png") == first
        assert record.damaged == []
        again = written(tmp_path, "b.png", b"three")
    found = read_record(tmp_path / NAME)
    assert found.current(tmp_path, "b.png") == again
    assert found.damaged == []


def test_a_last_line_without_its_end_is_whole(tmp_path: Path) -> None:
    """As an editor may leave it."""
    first = written(tmp_path, "a.png", b"one")
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes().rstrip(b"\n"))
    with held(tmp_path) as record:
        assert record.current(tmp_path, "a.png") == first
        append(tmp_path, entry("b.png", b"two"))
    assert set(read_record(tmp_path / NAME).entries) == {"a.png", "b.png"}


def test_a_line_that_was_cut_off_spoils_no_later_one(tmp_path: Path) -> None:
    """As by a disk that was full for a moment."""
    append(tmp_path, entry("a.png", b"one"))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"name": "b')
    append(tmp_path, entry("c.png", b"three"))
    record = read_record(tmp_path / NAME)
    assert set(record.entries) == {"a.png", "c.png"}
    assert record.damaged == [2]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\0",
        b"[]",
        b"3",
        b"null",
        b'{"version": 1}',
        b'{"version": 2, "name": "a"}',
        b"[" * 100_000,
        json.dumps({"version": 1, **vars(entry("x", b"")), "more": 1}).encode(),
    ],
)
def test_damaged_lines_are_counted_and_the_others_read(tmp_path: Path, line: bytes) -> None:
    first = written(tmp_path, "a.png", b"one")
    with (tmp_path / NAME).open("ab") as file:
        file.write(line + b"\n")
    second = written(tmp_path, "b.png", b"two")
    record = read_record(tmp_path / NAME)
    assert record.damaged == [2]
    assert record.current(tmp_path, "a.png") == first
    assert record.current(tmp_path, "b.png") == second


def test_an_empty_record_is_no_file(tmp_path: Path) -> None:
    with held(tmp_path) as record:
        assert record == Record()
        assert (tmp_path / NAME).exists()
    assert list(tmp_path.iterdir()) == []


def test_one_process_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from huescape.coloring.record import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(HuescapeError, match="another `huescape colorize` is at work there"):
            held(tmp_path).__enter__()
        other.kill()
    with held(tmp_path):
        pass


def test_a_record_that_is_a_link_or_no_file(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("somebody's")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(victim)
    with pytest.raises(HuescapeError, match="is a link"), held(tmp_path / "out"):
        pass
    with pytest.raises(OSError, match="symbolic links"):
        append(tmp_path / "out", entry("a", b""))
    assert victim.read_text() == "somebody's"
    (tmp_path / "out" / NAME).unlink()
    os.mkfifo(tmp_path / "out" / NAME)
    with (
        pytest.raises(HuescapeError, match=r"cannot write to .*out: is a pipe"),
        held(tmp_path / "out"),
    ):
        pass


@pytest.mark.parametrize(
    "changes",
    [
        *({"name": "a\0.png"}, {"name": 3}, {"source": ["a"]}, {"source": None}),
        *({"source_size": "5"}, {"settings": []}, {"size": [3]}, {"size": True}, {"xxh3": {}}),
    ],
)
def test_a_field_of_another_kind_damages_its_line_alone(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    append(tmp_path, replace(entry("b.png", b"two"), **changes))
    good = written(tmp_path, "a.png", b"one")
    record = read_record(tmp_path / NAME)
    assert record.damaged == [1]
    assert record.names() == {"../in/a.png": ["a.png"]}
    assert record.current(tmp_path, "a.png") == good
