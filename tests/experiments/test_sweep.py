"""Sweeps on the real graph: nothing of the user's is touched, nothing is made twice."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from ruamel.yaml import YAML

pytestmark = [pytest.mark.long, pytest.mark.exhaustive]

T = "evaluate.decode.temperature"
LR = "systems.colorunet.optimizer.lr"
STEPS = "systems.colorunet.steps"


def _write(project: Any, **sweep: Any) -> None:
    with (project.root / "sweep.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(sweep, stream)


def _table(project: Any, name: str) -> list[dict[str, str]]:
    with (project.root / "reports" / "sweeps" / f"{name}.csv").open() as stream:
        return list(csv.DictReader(stream))


def _tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of the user's with its time; what a sweep may write is left out."""
    left_out = {".git", ".dvc", ".huescape", "mlflow.db", "mlruns", "sweeps", "__pycache__"}
    paths = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    return {
        name.as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for name, path in paths.items()
        if not left_out.intersection(name.parts)
    }


def _runs(project: Any) -> tuple[list[Run], list[Run]]:
    """The parents and the children in the project's own store."""
    client = MlflowClient(f"sqlite:///{project.root}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    return [run for run in runs if run not in children], children


def _experiment(project: Any, name: str) -> str:
    project.run("git", "for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{name}")
    return str(project.output.strip())


def test_a_point_that_fails_keeps_no_other_from_running(project: Any) -> None:
    """The tree stays as it is; what is finished is brought back, and what failed tried again."""
    project.environment["HUESCAPE_TRACKING"] = "on"
    points = [{LR: 1e30}, {T: 0.5}, {LR: 0.004, T: 0.5}]
    _write(project, name="mine", systems=["colorunet"], points=points)
    (project.root / "src/huescape/mine.py").write_text('"""Not known to git yet."""\n')
    with (project.root / "src/huescape/__main__.py").open("a") as stream:
        stream.write("# changed, not committed\n")
    before = _tree(project.root)

    assert project.run("huescape", "sweep", "sweep.yaml", check=False) == 1
    assert project.ran() == ["check", "train@colorunet", "evaluate@colorunet"]
    assert _trainings(project) == 2  # that of the project is taken for the second point
    last = project.output.splitlines()[-1]
    assert last.startswith("huescape: error: 1 of 3 points failed, the first: point 1")
    assert _tree(project.root) == before
    project.run("git", "status", "--porcelain", "--untracked-files=no")
    assert project.output.split() == ["M", "src/huescape/__main__.py"]
    rows = _table(project, "mine")
    assert [row["status"] for row in rows] == ["failed", "done", "done"]
    assert [bool(row["auc"]) for row in rows] == [False, True, True]
    assert rows[1]["loss"] != rows[2]["loss"]
    _check_runs(project, rows)

    assert project.run("huescape", "sweep", "sweep.yaml", check=False) == 1
    assert project.ran() == ["check", "train@colorunet"]
    assert _trainings(project) == 1
    assert _table(project, "mine") == rows
    assert len(_runs(project)[1]) == 3
    _check_experiment(project, rows[2]["experiment"])


def _trainings(project: Any) -> int:
    return int(project.output.count("> sh workflow/run train"))


def _check_runs(project: Any, rows: list[dict[str, str]]) -> None:
    """One run above the others, each with its name, its parameters and its scores."""
    (parent,), children = _runs(project)
    assert parent.info.status == "FAILED"
    assert parent.data.params[LR] == "[1e+30, 0.004]"
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    named = {run.info.run_name: run for run in children}
    names = [
        "colorunet lr=1e+30",
        "colorunet temperature=0.5",
        "colorunet temperature=0.5 lr=0.004",
    ]
    failed, *done = [named.pop(name) for name in names]
    assert not named
    assert failed.info.status == "FAILED"
    for run, row in zip(done, rows[1:], strict=True):
        assert run.info.status == "FINISHED"
        assert run.data.metrics["auc"] == float(row["auc"])
        assert run.data.params["optimizer.lr"]
        assert run.data.tags["sweep"] == "mine"
        assert run.info.artifact_uri.startswith(str(project.root / "mlruns"))
    assert [run.data.tags.get("origin") for run in done] == ["reused", None]


def _check_experiment(project: Any, name: str) -> None:
    """DVC lists it with its scores, and applies it: nothing is stale then."""
    project.run("dvc", "exp", "show", "--csv")
    (line,) = [line for line in project.output.splitlines() if line.startswith(name)]
    scores = json.loads(
        subprocess.check_output(
            ["git", "show", f"{_experiment(project, name)}:reports/evaluation/colorunet.json"],
            cwd=project.root,
        )
    )
    assert str(scores["auc"]) in line.split(",")
    project.run("git", "show", f"{_experiment(project, name)}:src/huescape/mine.py")
    project.run("git", "stash", "--quiet")
    (project.root / "src/huescape/mine.py").unlink()
    project.run("dvc", "exp", "apply", name)
    assert "temperature: 0.5" in (project.root / "params.yaml").read_text()
    assert project.engine("dvc", "evaluate@colorunet") == []


def test_no_scores_are_lost_when_a_sweep_is_killed_as_it_keeps_a_point(
    project: Any, tmp_path: Path
) -> None:
    """Killed by the command of git that comes after the experiment is there."""
    project.environment["HUESCAPE_TRACKING"] = "on"
    _write(project, name="mine", systems=["colorunet"], points=[{T: 0.5}])
    git = tmp_path / "path" / "git"
    git.parent.mkdir()
    real = shutil.which("git")
    git.write_text(f'#!/bin/sh\n[ "$1" != update-ref ] || kill -9 $PPID\nexec {real} "$@"\n')
    git.chmod(0o755)
    path = f"{git.parent}{os.pathsep}{project.environment['PATH']}"
    assert project.run("huescape", "sweep", "sweep.yaml", check=False, PATH=path) == -signal.SIGKILL

    project.run("huescape", "sweep", "sweep.yaml")
    assert project.ran() == []
    (row,) = _table(project, "mine")
    (run,) = _runs(project)[1]
    assert run.data.metrics["auc"] == float(row["auc"])
    assert run.data.tags["dvc.experiment"] == row["experiment"]


def test_an_interrupted_sweep_goes_on(project: Any) -> None:
    points = [{T: 0.5}, {STEPS: 300, "systems.colorunet.checkpoint_every": 20}]
    _write(project, name="long", systems=["colorunet"], points=points)
    process = subprocess.Popen(
        ["huescape", "sweep", "sweep.yaml"],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        # A shell's background job ignores the signal, and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    checkpoints = project.root / ".huescape" / "checkpoints"
    for line in process.stderr:
        if "sh workflow/run train" in line:
            break
    while process.poll() is None and not list(checkpoints.rglob("*.pt")):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(60) == 130, rest
    assert _table(project, "long")[0]["status"] == "done"

    project.run("huescape", "sweep", "sweep.yaml")
    assert project.ran() == ["check", "train@colorunet", "evaluate@colorunet"]
    assert _trainings(project) == 1
    assert not list(checkpoints.rglob("*.pt"))
    rows = _table(project, "long")
    assert [row["status"] for row in rows] == ["done", "done"]
    assert rows[1]["steps"] == "300"
    project.run("git", "worktree", "list")
    assert len(project.output.splitlines()) == 1
    assert not (project.root / ".huescape/sweeps/long").exists()
