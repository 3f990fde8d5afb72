"""Snakemake: one run at a time, and nothing to unlock after a kill."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def training(project: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Snakemake in the middle of a training without end."""
    project.set("systems.colorunet.steps", 1_000_000)
    process = subprocess.Popen(
        ["snakemake", "--cores", "2"],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list((project.root / ".huescape/checkpoints").rglob("*.pt")):
        assert process.poll() is None
        assert time.monotonic() < deadline, "no checkpoint"
        time.sleep(0.1)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_second_run_is_refused_and_a_look_is_not(project: Any, training: Any) -> None:
    triggers = {path: path.read_bytes() for path in _triggers(project.root)}
    assert project.run("snakemake", "--cores", "1", check=False) == 1
    assert "another run is at work in this folder" in project.output
    assert "Traceback" not in project.output
    for look in (("-n", "--cores", "1"), ("--summary",), ("--lint",)):
        project.run("snakemake", *look)
        assert "at work" not in project.output
    assert training.poll() is None
    assert {path: path.read_bytes() for path in _triggers(project.root)} == triggers


@pytest.mark.parametrize(
    "alone", [True, pytest.param(False, marks=pytest.mark.exhaustive)], ids=["engine", "group"]
)
def test_a_killed_run_needs_no_unlock(
    project: Any, made_by_dvc: Any, training: Any, alone: bool
) -> None:
    """Nor does the next one begin while a stage of the killed one is still writing."""
    (os.kill if alone else os.killpg)(training.pid, signal.SIGKILL)
    training.wait()
    project.set("systems.colorunet.steps", 6)  # as it was: the same weights, and nothing after them
    assert project.engine("snakemake") == ["check", "train@colorunet"]
    assert project.lock() == made_by_dvc.lock()
    assert project.engine("dvc") == []


def test_marks_of_a_killed_run_hide_nothing(project: Any) -> None:
    """Snakemake would run the marked job and pass over what is missing after it."""
    marks = project.root / ".snakemake/incomplete"
    marks.mkdir(parents=True, exist_ok=True)
    part = "data/shards/yuv32/00001.json"
    (marks / base64.b64encode(part.encode()).decode()).write_text("")
    page = (project.root / "reports/index.html").read_bytes()
    (project.root / "reports/index.html").unlink()
    assert project.engine("snakemake") == ["report"]
    assert (project.root / "reports/index.html").read_bytes() == page
    assert project.engine("dvc") == []


# Python imports it at its start: the job of a training ends as if it had been killed, once done.
ENDS_BADLY = """
import atexit, os, sys

def end():
    if "train@colorunet" in sys.argv:
        os._exit(1)

atexit.register(end)
"""


def test_what_was_recorded_before_a_kill_is_kept(project: Any, tmp_path: Path) -> None:
    """Snakemake would remove the outputs of a job that failed, and train again, as another run."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(ENDS_BADLY)
    project.set("systems.colorunet.optimizer.lr", 0.0017)
    path = f"{tmp_path / 'hook'}:{project.environment['PYTHONPATH']}"
    assert project.run("snakemake", "--cores", "2", check=False, PYTHONPATH=path) == 1
    assert project.ran() == ["check", "train@colorunet"]
    assert project.engine("snakemake") == ["evaluate@colorunet", "report"]
    assert project.engine("dvc") == []


def _triggers(root: Path) -> list[Path]:
    return sorted((root / ".snakemake/stale").iterdir())
