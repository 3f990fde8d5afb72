"""Killed between the end of a training's MLflow run and the engine's record of the stage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from benchmarks.scratch import Folder
from tests.faults.checks import Faults, judge
from tests.faults.processes import kill, working
from tests.faults.project import ENGINES, Starts

pytestmark = pytest.mark.long


def _statuses(store: Path) -> list[str]:
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        return [status for (status,) in db.execute("select status from runs")]
    return []


def _kill_at_the_end(project: Folder, engine: str) -> None:
    """Kill the engine and all below it the moment that the store calls the run finished."""
    process = subprocess.Popen(
        ENGINES[engine],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and _statuses(project.root / "mlflow.db") != ["FINISHED"]:
        time.sleep(0.001)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kill(working(project.root))


@pytest.mark.parametrize("engine", ["dvc", pytest.param("snakemake", marks=pytest.mark.exhaustive)])
def test_the_training_that_is_done_again_is_the_same_run(
    starts: Starts, tmp_path: Path, engine: str
) -> None:
    copy = starts.copy("shards", tmp_path / "project")
    project = Folder(copy.root, {**copy.environment, "HUESCAPE_TRACKING": "on"})
    before = (project.root / "dvc.lock").read_bytes()
    _kill_at_the_end(project, engine)
    assert (project.root / "dvc.lock").read_bytes() == before, "killed too late: nothing is proved"
    assert (project.root / "models/colorunet/system.json").exists()
    project.run(*ENGINES[engine])
    faults = Faults()
    judge(project.root, starts, copy.environment, True, faults)
    assert not faults.any(), faults
    names = [path.name for path in (project.root / "mlruns").rglob("images/*.png")]
    shown = {name.split("%timestamp")[0] for name in names}
    assert len(names) == len(shown), "a picture was recorded twice"
