"""Stores that break, and damage to what waits: the training goes on with one line."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.tracking import recorder as recording

DATASET = {"name": "photos", "digest": "d" * 64, "counts": {"train": 3}}
STEPS = 7  # that the history of the model has
STORE = Path("mlflow.db")
MODEL = Path("models/colorunet")
WAITING = Path(".huescape/tracking/waiting")


def train(middle: Callable[[], None] | None = None) -> None:
    """What a training of the model records; `middle` happens half-way."""
    with tracking.start_training("colorunet", {"lr": 1}, DATASET, resume_key="key") as recorder:
        for step in range(1, STEPS + 1):
            recorder.metrics(step, {"loss": 1.5 * STEPS / step})
            if middle is not None and step == STEPS // 2:
                _until_sent()
                middle()
        recorder.picture("val", STEPS, np.zeros((8, 8, 3), np.uint8))
        recorder.model(MODEL)


def publish() -> int:
    """What `huescape track` does about what waits."""
    return tracking.publish_folders(Path("none"), Path("none"))


def _until_sent() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with sqlite3.connect(STORE) as store:
            if store.execute("select count(*) from metrics where key = 'loss'").fetchone()[0]:
                return
        time.sleep(0.05)
    pytest.fail("nothing was sent within a minute")


def check(uri: str) -> None:
    """One finished run, and the loss of every step exactly once."""
    client = MlflowClient(uri)
    [run] = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    found = sorted((p.step, p.value) for p in history)
    assert found == [(k, 1.5 * STEPS / k) for k in range(1, STEPS + 1)]
    assert run.info.status == "FINISHED"
    assert len(run.outputs.model_outputs) == 1
    assert list(WAITING.glob("[!.]*")) == []


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
    store: str, model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = STORE.read_bytes()
    BROKEN_STORES[name]()
    train()
    [line] = capsys.readouterr().err.splitlines()
    assert "cannot be used" in line
    assert "Traceback" not in line
    if STORE.is_dir():
        STORE.rmdir()
    STORE.write_bytes(good)
    assert in_a_process(PUBLISH) == []
    check(store)


def test_a_store_that_breaks_half_way(
    store: str, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FLUSH_SECONDS", 0.1)

    def break_it() -> None:
        shutil.copyfile(STORE, "kept.db")
        content = STORE.read_bytes()
        STORE.write_bytes(content[:4096] + b"\xaa" * (len(content) - 4096))

    train(middle=break_it)
    lines = capsys.readouterr().err.splitlines()
    assert ["cannot be used" in line for line in lines] == [False, True], lines
    shutil.copyfile("kept.db", STORE)
    assert in_a_process(PUBLISH) == []
    check(store)


@pytest.mark.long
def test_a_store_that_another_process_holds(
    store: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = sqlite3.connect(STORE, isolation_level=None)
    holder.execute("begin exclusive")
    train()
    [line] = capsys.readouterr().err.splitlines()
    assert "locked" in line
    holder.execute("rollback")
    holder.close()
    assert publish() == 1
    check(store)


PUBLISH = "from tests.faults.test_tracking_faults import publish; assert publish() == 1"
IN_A_PROCESS = "from tests.faults.test_tracking_faults import train; train()"
LIMITED = """
import resource
from pathlib import Path
size = Path("mlflow.db").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
"""


def in_a_process(code: str, *before: str) -> list[str]:
    """Run code in a process of its own, which has to succeed; the lines it says."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((f"{root}/src", str(root)))}
    done = subprocess.run(
        [*before, sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if line]


@pytest.mark.long
def test_a_full_disk_at_the_store(store: str, model: Path) -> None:
    """No write behind the middle of its file is taken; what is put aside, smaller files, is."""
    lines = in_a_process(LIMITED + IN_A_PROCESS)
    assert ["cannot be used" in line for line in lines][-1:] == [True], lines
    assert len(lines) <= 2, lines
    assert publish() == 1
    check(store)


@pytest.mark.long
def test_a_full_disk_everywhere_costs_the_run_and_nothing_else(store: str, model: Path) -> None:
    tight = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    lines = in_a_process(tight + IN_A_PROCESS)
    assert 1 <= len(lines) <= 2, lines
    assert "this run is not tracked" in lines[-1]
    assert list(WAITING.glob("*")) == []


def test_a_folder_of_artifacts_that_is_a_file(
    store: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mlruns").write_text("no folder")
    train()
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(lines) == 1, lines
    Path("mlruns").unlink()
    publish()
    check(store)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no record": lambda folder: (folder / "run.json").unlink(),
    "no JSON": lambda folder: (folder / "run.json").write_bytes(b"\xff{"),
    "another step": lambda folder: _edit(folder / "run.json", b'"created":', b'"creates":'),
    "a damaged model": lambda folder: [p.write_bytes(b"") for p in folder.rglob("*.safetensors")],
    "no files": lambda folder: shutil.rmtree(folder / "files"),
}


def _edit(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


@pytest.mark.parametrize("name", DAMAGE)
def test_what_waits_and_is_damaged_is_kept_aside_and_the_others_are_published(
    store: str, model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    STORE.rename("away.db")
    STORE.mkdir()
    train()
    [folder] = WAITING.glob("[!.]*")
    DAMAGE[name](folder)
    train()
    STORE.rmdir()
    Path("away.db").rename(STORE)
    capsys.readouterr()
    assert publish() == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert [str(folder) in line and "damaged" in line for line in lines] == [True], lines
    assert (Path(".huescape/tracking/damaged") / folder.name).is_dir()
    check(store)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"one line", b"a\nb\nc"])
def test_a_damaged_note_of_the_working_copy_never_stops_a_training(
    store: str, model: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".huescape/tracking").mkdir(parents=True)
    Path(".huescape/tracking/tree").write_bytes(content)
    train()
    train()
    check(store)
    assert "warning" not in capsys.readouterr().err
