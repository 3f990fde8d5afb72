"""A run that is killed while dvc.lock is written costs no repair, whatever is run next."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

TRIES = 8
HITS = 2


def _lengths_while(project: Any, *command: str, writes: int = 1) -> list[int]:
    """Run a command and kill its group when dvc.lock gets shorter, again and again; the lengths."""
    lock = project.root / "dvc.lock"
    whole = lock.stat().st_size
    lengths = [whole]
    process = subprocess.Popen(
        command,
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        length = lock.stat().st_size if lock.exists() else 0
        lengths.append(length)
        if length < whole // 2 <= lengths[-2:][0]:
            writes -= 1
        if writes == 0:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    return lengths


def _watchers(project: Any) -> list[Path]:
    return list((project.root / ".dvc/tmp").glob("huescape-watch.*"))


def _settle(project: Any) -> None:
    """Wait for the watcher of a killed engine: what the next command would meet otherwise."""
    deadline = time.monotonic() + 60
    while _watchers(project) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _watchers(project) == []


def test_dvc_killed_while_it_writes_dvc_lock(project: Any) -> None:
    hits = 0
    for number in range(TRIES):
        before = project.lock()
        project.set("report.title", f"title {number}")
        lengths = _lengths_while(project, "dvc", "repro")
        if min(lengths) >= len(before) // 2:  # it was over before it was seen
            continue
        _settle(project)
        assert project.lock() == before
        for engine in ("dvc", "snakemake") if hits % 2 else ("snakemake", "dvc"):
            assert set(project.engine(engine)) <= {"check", "report"}
        hits += 1
        if hits == HITS:
            return
    pytest.fail(f"{hits} hits in {TRIES} tries")


def test_dvc_killed_again_while_it_takes_all_from_its_run_cache(project: Any) -> None:
    """Then no stage of ours has started a watcher: the one of the killed run is still there."""
    for number in range(TRIES):
        project.set("report.title", f"title {number}")
        before = project.lock()
        for writes in (2, 1):  # check, report; then the report, which is in the run cache
            if min(_lengths_while(project, "dvc", "repro", writes=writes)) >= len(before) // 2:
                break
            _settle(project)
        else:
            deadline = time.monotonic() + 30
            while len(project.lock()) < len(before) // 2 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert project.engine("dvc") == []
            assert "cached - skipping run" in project.output
            return
        project.engine("dvc")
    pytest.fail(f"never seen short in {TRIES} tries")


def test_snakemake_never_leaves_dvc_lock_short(project: Any) -> None:
    project.set("report.title", "another title")
    before = len(project.lock())
    assert min(_lengths_while(project, "snakemake", "--cores", "2")) > before - 200


def test_a_watcher_ends_with_its_engine_and_leaves_nothing(project: Any) -> None:
    project.set("report.title", "another title")
    assert project.engine("dvc") == ["check", "report"]
    _settle(project)
    listed = subprocess.run(["ps", "-e", "-o", "args="], capture_output=True, text=True, check=True)
    assert [line for line in listed.stdout.splitlines() if str(project.root) in line] == []


@pytest.mark.parametrize(
    "command",
    [
        ("huescape", "check"),
        ("huescape", "repair"),
        ("python", "-m", "huescape", "report"),
        ("snakemake", "--cores", "1", "-n"),
    ],
)
def test_every_command_mends_and_says_so(project: Any, command: tuple[str, ...]) -> None:
    whole = project.lock()
    for length in (0, whole.index(b"\n", 8192) - 1):  # DVC writes 8 KiB at a time
        (project.root / "dvc.lock").write_bytes(whole[:length])
        project.run(*command)
        assert project.output.count("dvc.lock was cut short by a kill: put back") == 1
        assert project.lock() == whole
    project.run(*command)
    assert "cut short" not in project.output


def test_dvcs_list_of_processes_cut_short_stops_nobody(project: Any) -> None:
    listed = project.root / ".dvc/tmp/rwlock"
    listed.write_text('{"write": {"/')
    project.set("report.title", "another title")
    assert project.run("dvc", "repro", check=False) != 0  # DVC alone cannot go on
    project.run("huescape", "repair")
    assert project.engine("dvc") == ["check", "report"]
    listed.write_text('{"write": {"/')
    project.set("report.title", "one more title")
    assert project.engine("snakemake") == ["check", "report"]
