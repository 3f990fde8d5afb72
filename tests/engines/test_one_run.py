"""Snakemake: one run at a time, and nothing to unlock after a kill."""

from __future__ import annotations

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


def _triggers(root: Path) -> list[Path]:
    return sorted((root / ".snakemake/stale").iterdir())
