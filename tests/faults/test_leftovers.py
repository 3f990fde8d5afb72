"""Stages killed in the middle of a write, then run: no temporary name stays anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.bare import SETTINGS, command, make_project, run, temporaries

STAGES = ("download", "filter", "resize", "bins lab", "encode lab")


def kill_in_a_write(project: Path, stage: str) -> bool:
    """Kill a stage and its workers once it has a temporary name; whether one was left."""
    process = subprocess.Popen(
        command(stage),
        cwd=project,
        env={**os.environ, **SETTINGS},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not temporaries(project):
        time.sleep(0.001)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return bool(temporaries(project))


@pytest.mark.long
def test_killed_stages_leave_nothing_once_they_are_done(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    left = {}
    for stage in STAGES:
        # A kill may come just after the write; what is there is then made again.
        left[stage] = any(kill_in_a_write(project, stage) for _ in range(5))
        assert run(project, stage).returncode == 0, stage
        assert temporaries(project) == [], stage
    assert left["download"]  # these write for long: one of the kills leaves something
    assert left["resize"]
