"""Stores and journals that break: the training goes on with one line, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.tracking import publisher
from huescape.tracking.entries import DAMAGED
from huescape.tracking.journal import waiting
from huescape.tracking.ledger import Ledger
from tests.tracking.test_servers import server

DATASET = {"name": "photos", "digest": "d" * 64, "counts": {"train": 3}}
STEPS = 40
STORE = Path("mlflow.db")


def train(first: int = 1, last: int = STEPS, middle: Callable[[], None] | None = None) -> None:
    """What a training records; `middle` happens half-way."""
    with tracking.start_training("s", {"lr": 1}, DATASET, resume_key="key") as recorder:
        for step in range(first, last + 1):
            recorder.metrics(step, {"loss": 1 / step})
            if middle is not None and step == STEPS // 2:
                _until_acknowledged()
                middle()
        recorder.picture("val", last, np.zeros((8, 8, 3), np.uint8))


def _until_acknowledged() -> None:
    """Wait until the store has taken all that there is, at most a minute."""
    [journal] = waiting(Ledger().pending)
    size = str((journal / "journal.jsonl").stat().st_size)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(FileNotFoundError):
            if (journal / "offset").read_text().strip() == size:
                return
        time.sleep(0.05)
    pytest.fail("nothing was delivered within a minute")


def check(uri: str) -> None:
    """One finished run, and the loss of every step exactly once."""
    client = MlflowClient(uri)
    [run] = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert sorted((p.step, p.value) for p in history) == [(k, 1 / k) for k in range(1, STEPS + 1)]
    assert run.info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["images"]
    assert waiting(Ledger().pending) == []


def _as_folder() -> None:
    STORE.unlink()
    STORE.mkdir()


BROKEN_STORES: dict[str, Callable[[], object]] = {
    "a page of zeros": lambda: STORE.write_bytes(bytes(4096) + STORE.read_bytes()[4096:]),
    "cut in half": lambda: os.truncate(STORE, STORE.stat().st_size // 2),
    "not a database": lambda: STORE.write_text("not a database\n" * 100),
    "a folder": _as_folder,
}


@pytest.mark.parametrize("name", BROKEN_STORES)
def test_a_damaged_store_is_one_line_and_gets_all_once_it_is_repaired(
    store: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = STORE.read_bytes()
    BROKEN_STORES[name]()
    train()
    [line] = capsys.readouterr().err.splitlines()
    assert "cannot be reached" in line
    assert "Traceback" not in line
    assert len(waiting(Ledger().pending)) == 1
    if STORE.is_dir():
        STORE.rmdir()
    STORE.write_bytes(good)
    assert _in_a_process(REPLAY) == []
    check(store)


def test_a_store_that_breaks_half_way(
    store: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SQLite calls its file malformed, MLflow that a bad request: no reason to drop an entry."""
    monkeypatch.setattr(publisher, "FLUSH_SECONDS", 0.2)

    def break_it() -> None:
        shutil.copyfile(STORE, "kept.db")
        content = STORE.read_bytes()
        STORE.write_bytes(content[:4096] + b"\xaa" * (len(content) - 4096))

    train(middle=break_it)
    lines = capsys.readouterr().err.splitlines()
    assert ["cannot be reached" in line for line in lines] == [False, True], lines
    shutil.copyfile("kept.db", STORE)
    assert _in_a_process(REPLAY) == []
    check(store)


@pytest.mark.long
def test_a_store_that_another_process_holds(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    holder = sqlite3.connect(STORE, isolation_level=None)
    holder.execute("begin exclusive")
    train()
    [line] = capsys.readouterr().err.splitlines()
    assert "locked" in line
    holder.execute("rollback")
    holder.close()
    assert tracking.replay() == 1
    check(store)


REPLAY = "from huescape import tracking; assert tracking.replay() == 1"
IN_A_PROCESS = """
import sys
from tests.faults.test_tracking_faults import train
train()
"""
LIMITED = """
import resource, sys
from pathlib import Path
size = Path("mlflow.db").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
"""


def _in_a_process(code: str, **options: object) -> list[str]:
    """Run code in a process of its own, which has to succeed; the lines it says."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((f"{root}/src", str(root)))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if line]


@pytest.mark.long
def test_a_full_disk_at_the_store(store: str) -> None:
    """No write behind the middle of its file is taken; the journal, a smaller one, is."""
    lines = _in_a_process(LIMITED + IN_A_PROCESS)
    assert ["cannot be reached" in line for line in lines][-1:] == [True], lines
    assert len(lines) <= 2, lines
    assert tracking.replay() == 1
    check(store)


def test_a_folder_of_artifacts_that_is_a_file(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mlruns").write_text("no folder")
    train()
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(lines) == 1, lines
    Path("mlruns").unlink()
    tracking.replay()
    check(store)


def _journal() -> Path:
    """The journal of a training whose store could not be reached."""
    STORE.rename("away.db")
    STORE.mkdir()
    train()
    STORE.rmdir()
    Path("away.db").rename(STORE)
    [folder] = waiting(Ledger().pending)
    return folder


def _edit_line(path: Path, number: int, edit: Callable[[bytes], bytes]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number] = edit(lines[number])
    path.write_bytes(b"".join(lines))


#: What happens to a journal, and the steps that cannot be there any more.
DAMAGE: dict[str, tuple[Callable[[Path], object], set[int]]] = {
    "a flipped byte in a line": (
        lambda folder: _edit_line(folder / "journal.jsonl", 5, lambda line: b"\xff" + line[1:]),
        {5},
    ),
    "another key in a line": (
        lambda folder: _edit_line(
            folder / "journal.jsonl", 5, lambda line: line.replace(b"kind", b"kjnd")
        ),
        {5},
    ),
    "a text for a number": (
        lambda folder: _edit_line(
            folder / "journal.jsonl", 5, lambda line: line.replace(b"0.2}", b'"x"}')
        ),
        {5},
    ),
    "a garbage offset": (lambda folder: (folder / "offset").write_bytes(b"\xffgarbage"), set()),
    "an offset beyond the end": (lambda folder: (folder / "offset").write_text("99999999"), set()),
    "an offset within a line": (lambda folder: (folder / "offset").write_text("7"), set()),
    "no lock": (lambda folder: (folder / "lock").unlink(), set()),
    "a damaged picture": (
        lambda folder: [path.write_bytes(b"no picture") for path in folder.rglob("*.png")],
        set(),
    ),
    "no files": (lambda folder: shutil.rmtree(folder / "files"), set()),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_journal_loses_what_was_damaged_alone(store: str, name: str) -> None:
    folder = _journal()
    act, lost = DAMAGE[name]
    act(folder)
    assert tracking.replay() == 1
    client = MlflowClient(store)
    [run] = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert sorted(p.step for p in history) == sorted(set(range(1, STEPS + 1)) - lost)
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize(
    "header", [b"", b"[]", b"\xff\xfe", b'{"version": 1}', b'{"version": 1, "run": 3}']
)
def test_a_journal_without_its_header_is_kept_aside_and_the_others_are_sent(
    store: str,
    header: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = _journal()
    (folder / "header.json").write_bytes(header)
    capsys.readouterr()
    train()
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert [str(folder) in line and "damaged" in line for line in lines] == [True], lines
    assert waiting(Ledger().pending) == []
    kept = Ledger().folder / DAMAGED / folder.name
    assert len((kept / "journal.jsonl").read_bytes().splitlines()) > STEPS
    client = MlflowClient(store)
    assert len(client.search_runs([client.get_experiment_by_name("huescape").experiment_id])) == 1


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"unfinished": []}', '{"unfinished": {"key": 3}, "models": {"a": 1}}'],
)
def test_a_damaged_ledger_never_stops_a_training(
    store: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger()
    ledger.folder.mkdir(parents=True)
    (ledger.folder / "s.json").write_text(content)
    train()
    check(store)
    assert len(capsys.readouterr().err.splitlines()) == 1
    for path in (ledger.folder / "runs").iterdir():
        path.write_text(content or json.dumps({"steps": {"loss": "x"}}))
    train()
    assert "warning" not in capsys.readouterr().err


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.long
@pytest.mark.exhaustive
def test_a_server_that_is_killed_and_comes_back_while_a_training_goes_on(
    store: str,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(publisher, "FLUSH_SECONDS", 0.2)
    folder = tmp_path / "server"
    folder.mkdir()
    with tracking.start_training("s", {"lr": 1}, DATASET) as recorder:
        with server(port, folder, "server", end=signal.SIGKILL):
            for step in range(1, 16):
                recorder.metrics(step, {"loss": 1 / step})
            _until_acknowledged()
        for step in range(16, 31):
            recorder.metrics(step, {"loss": 1 / step})
        said = ""
        end = time.monotonic() + 60
        while "cannot be reached" not in said and time.monotonic() < end:
            time.sleep(0.1)
            said += capsys.readouterr().err
        assert "cannot be reached" in said
        with server(port, folder, "server") as uri:
            for step in range(31, STEPS + 1):
                recorder.metrics(step, {"loss": 1 / step})
            recorder.picture("val", STEPS, np.zeros((8, 8, 3), np.uint8))
            recorder.close()
            check(uri)
