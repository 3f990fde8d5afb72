from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.tracking import journal as journals
from huescape.tracking.journal import Journal, entries_of, waiting

HEADER = {
    "run": "r",
    "name": "s",
    "destination": "sqlite:///mlflow.db",
    "created": 1,
    "params": {},
    "tags": {},
    "dataset": None,
    "attached": False,
}


@pytest.fixture
def pending(tmp_path: Path) -> Path:
    folder = tmp_path / "pending"
    folder.mkdir()
    return folder


def test_what_is_appended_is_read_until_it_is_acknowledged(pending: Path) -> None:
    journal = Journal.create(pending, HEADER)
    journal.append("metrics", step=1, values={"loss": float("nan")})
    journal.append("end", status="FINISHED")
    first, second = journal.unacknowledged()
    assert (first.content["kind"], second.content["kind"]) == ("metrics", "end")
    journal.acknowledge(first.end)
    assert journal.unacknowledged() == [second]
    journal.acknowledge(second.end)
    assert journal.unacknowledged() == []
    assert len(entries_of(journal.folder)) == 2
    journal.remove()
    assert list(pending.iterdir()) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=30))
def test_every_entry_is_read_exactly_once_in_order(steps: list[tuple[int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.create(Path(folder), HEADER)
        seen: list[int] = []
        for number, (size, read) in enumerate(steps):
            journal.append("tags", number=number, values={"k": "v" * size})
            if read:
                for entry in journal.unacknowledged():
                    seen.append(entry.content["number"])
                    journal.acknowledge(entry.end)
        seen += [entry.content["number"] for entry in journal.unacknowledged()]
        assert seen == list(range(len(steps)))
        journal.remove()


def test_reads_are_bounded(pending: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "BATCH_BYTES", 1000)
    journal = Journal.create(pending, HEADER)
    for step in range(200):
        journal.append("metrics", step=step, values={"loss": 1.0})
    seen = []
    while entries := journal.unacknowledged():
        assert len(entries) < 30
        seen += [entry.content["step"] for entry in entries]
        journal.acknowledge(entries[-1].end)
    assert seen == list(range(200))


def test_a_torn_last_line_waits_and_a_damaged_line_is_passed(pending: Path) -> None:
    journal = Journal.create(pending, HEADER)
    journal.append("begin")
    with (journal.folder / "journal.jsonl").open("ab") as lines:
        lines.write(b"\0\0garbage\n")
        lines.write(b'{"kind": "me')
    kinds = [entry.content["kind"] for entry in journal.unacknowledged()]
    assert kinds == ["begin", "damaged"]


def test_files_are_copies(pending: Path, tmp_path: Path) -> None:
    source = tmp_path / "figure.png"
    source.write_bytes(b"one")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "x").write_bytes(b"x")
    journal = Journal.create(pending, HEADER)
    first, second = journal.keep(source), journal.keep(source)
    tree = journal.keep(tmp_path / "folder")
    source.write_bytes(b"two")
    assert first != second
    assert (journal.folder / first).read_bytes() == b"one"
    assert (journal.folder / tree / "deep" / "x").read_bytes() == b"x"


def test_a_live_journal_is_not_adopted(pending: Path) -> None:
    journal = Journal.create(pending, HEADER)
    [folder] = waiting(pending)
    assert Journal.adopt(folder) is None
    journal.close()
    adopted = Journal.adopt(folder)
    assert adopted is not None
    assert Journal.adopt(folder) is None
    adopted.remove()
    assert Journal.adopt(folder) is None


def test_a_killed_process_leaves_all_its_entries_and_no_lock(pending: Path) -> None:
    code = (
        "import json, os, signal, sys; from pathlib import Path;"
        "from huescape.tracking.journal import Journal;"
        "journal = Journal.create(Path(sys.argv[1]), json.loads(sys.argv[2]));"
        "[journal.append('metrics', step=k, values={'loss': 1.0}) for k in range(50)];"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(pending), json.dumps(HEADER)], check=False
    )
    assert done.returncode == -9
    [folder] = waiting(pending)
    journal = Journal.adopt(folder)
    assert journal is not None
    assert [entry.content["step"] for entry in journal.unacknowledged()] == list(range(50))
    journal.remove()


def test_a_journal_of_another_version_is_left_alone(pending: Path) -> None:
    Journal.create(pending, {**HEADER, "version": 99}).close()
    [folder] = waiting(pending)
    assert Journal.adopt(folder) is None
    assert Journal.adopt(folder) is None, "and its lock was let go"
    assert folder.is_dir()
