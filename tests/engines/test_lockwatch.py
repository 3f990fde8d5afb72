"""The process that watches an engine: what it does once the engine is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from huescape.engines import lockfile, lockwatch

_WHOLE = b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n"
_PATIENCE = 60.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / lockfile.TEMPORARY).mkdir(parents=True)
    (root / lockfile.LOCK).write_bytes(_WHOLE)
    return root


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture
def watcher(root: Path, engine: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A watcher that has seen the engine and copied dvc.lock."""
    command = [sys.executable, "-m", "huescape.engines.lockwatch", str(root), str(engine.pid)]
    with subprocess.Popen(command) as process:
        until = time.monotonic() + _PATIENCE
        while not (root / lockfile.KEPT).exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert (root / lockfile.KEPT).read_bytes() == _WHOLE
        yield process
        process.kill()


def _end(engine: subprocess.Popen[bytes]) -> None:
    engine.kill()
    engine.wait()


def test_a_project_that_is_gone_stays_gone(
    root: Path, engine: subprocess.Popen[bytes], watcher: subprocess.Popen[bytes]
) -> None:
    """As the folder of a temporary experiment, which DVC removes before it ends."""
    shutil.rmtree(root)
    assert watcher.wait(_PATIENCE) == 0
    assert engine.poll() is None
    assert not root.exists()


def test_nobody_waits_for_the_first_process_of_the_machine(root: Path) -> None:
    """A stage whose engine was killed at once is a child of that one, which never ends."""
    claim = root / lockfile.TEMPORARY / "huescape-watch.1"
    claim.touch()
    os.utime(claim, (0, 0))  # nothing was left unrecorded
    command = [sys.executable, "-m", "huescape.engines.lockwatch", str(root), "1"]
    assert subprocess.run(command, timeout=_PATIENCE, check=False).returncode == 0
    assert not claim.exists()


def test_what_the_engine_left_cut_short_is_put_back_and_told(
    root: Path, engine: subprocess.Popen[bytes], watcher: subprocess.Popen[bytes]
) -> None:
    (root / lockfile.LOCK).write_bytes(b"")
    _end(engine)
    until = time.monotonic() + _PATIENCE
    while list((root / lockfile.TEMPORARY).glob("huescape-watch.*")) and time.monotonic() < until:
        time.sleep(0.02)
    assert (root / lockfile.LOCK).read_bytes() == _WHOLE
    (line,) = lockfile.notice(root)
    assert "put back from its copy of the last run" in line


@pytest.mark.parametrize("failed", [False, True])
def test_it_stays_for_a_stage_that_was_left_unrecorded_unless_it_failed(
    root: Path,
    engine: subprocess.Popen[bytes],
    watcher: subprocess.Popen[bytes],
    failed: bool,
) -> None:
    lockwatch.start(engine.pid, root)  # as a stage does at its start; dvc.lock is older
    if failed:
        lockwatch.release(engine.pid, root)
    _end(engine)
    if failed:
        assert watcher.wait(_PATIENCE) == 0
        return
    until = time.monotonic() + _PATIENCE
    while not (root / lockfile.TEMPORARY / "huescape-watch").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    (root / lockfile.LOCK).write_bytes(b"")  # a kill in the run that followed
    while (root / lockfile.LOCK).read_bytes() != _WHOLE:
        assert time.monotonic() < until
        time.sleep(0.02)
    processes = root / lockfile.TEMPORARY / "rwlock"
    processes.write_bytes(b"")  # and one while DVC was noting what it reads
    while processes.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert watcher.poll() is None
