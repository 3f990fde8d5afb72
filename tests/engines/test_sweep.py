"""Sweeps on the real graph: nothing of the user's is touched, nothing is made twice."""

from __future__ import annotations

import csv
import json
import os
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

T = "evaluate.temperature"
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


def test_temperatures_train_nothing_and_leave_the_tree_alone(project: Any) -> None:
    project.environment["HUESCAPE_TRACKING"] = "on"
    _write(project, name="warm", systems=["colorunet"], grid={T: [0.5, 0.6]})
    (project.root / "src/huescape/mine.py").write_text('"""Not known to git yet."""\n')
    with (project.root / "src/huescape/__main__.py").open("a") as stream:
        stream.write("# changed, not committed\n")
    before = _tree(project.root)

    project.run("huescape", "sweep", "sweep.yaml")
    assert project.ran() == ["check", "evaluate@colorunet"]
    assert project.output.count("> python -m huescape") == 4
    assert "point 2 of 2" in project.output
    assert _tree(project.root) == before
    project.run("git", "status", "--porcelain", "--untracked-files=no")
    assert project.output.split() == ["M", "src/huescape/__main__.py"]
    project.run("git", "worktree", "list")
    assert len(project.output.splitlines()) == 1

    rows = _table(project, "warm")
    assert [(row[T], row["status"]) for row in rows] == [("0.5", "done"), ("0.6", "done")]
    assert rows[0]["auc"] != rows[1]["auc"]
    assert rows[0]["loss"] == rows[1]["loss"]

    (parent,), children = _runs(project)
    assert parent.info.status == "FINISHED"
    assert parent.data.params[T] == "[0.5, 0.6]"
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    seen = {run.data.params[T]: run for run in children}
    assert set(seen) == {"0.5", "0.6"}
    for row in rows:
        run = seen[row[T]]
        assert run.info.status == "FINISHED"
        assert run.data.metrics["auc"] == float(row["auc"])
        assert run.data.params["optimizer.lr"]
        assert run.data.tags["sweep"] == "warm"
        assert run.data.tags["origin"] == "reused"
        assert run.info.artifact_uri.startswith(str(project.root / "mlruns"))

    name = rows[1]["experiment"]
    project.run("git", "show", f"{_experiment(project, name)}:src/huescape/mine.py")
    project.run("huescape", "sweep", "sweep.yaml")
    assert project.ran() == []
    assert project.output.count("finished before") == 2
    assert len(_runs(project)[1]) == 2

    project.run("git", "stash", "--quiet")
    (project.root / "src/huescape/mine.py").unlink()
    project.run("dvc", "exp", "apply", name)
    assert "temperature: 0.6" in (project.root / "params.yaml").read_text()
    assert project.engine("dvc", "evaluate@colorunet") == []


def test_a_point_that_fails_keeps_no_other_from_running(project: Any) -> None:
    project.environment["HUESCAPE_TRACKING"] = "on"
    _write(project, name="rates", systems=["colorunet"], grid={LR: [1e30, 0.004]})
    assert project.run("huescape", "sweep", "sweep.yaml", check=False) == 1
    assert project.ran() == ["check", "train@colorunet", "evaluate@colorunet"]
    last = project.output.splitlines()[-1]
    assert last.startswith("huescape: error: 1 of 2 points failed, the first: point 1")
    rows = _table(project, "rates")
    assert [(row["status"], bool(row["auc"])) for row in rows] == [
        ("failed", False),
        ("done", True),
    ]
    (parent,), children = _runs(project)
    assert parent.info.status == "FAILED"
    states = {run.data.params["optimizer.lr"]: run.info.status for run in children}
    assert states == {"1e+30": "FAILED", "0.004": "FINISHED"}
    trained = next(run for run in children if run.info.status == "FINISHED")
    assert trained.data.metrics["auc"] == float(rows[1]["auc"])
    assert "origin" not in trained.data.tags

    project.run("huescape", "sweep", "sweep.yaml", check=False)
    assert project.ran() == ["check", "train@colorunet"]  # tried again; the other is finished
    assert len(_runs(project)[1]) == 2


def test_an_interrupted_sweep_goes_on(project: Any) -> None:
    points = [{T: 0.5}, {STEPS: 400, "systems.colorunet.checkpoint_every": 20}]
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
        if "python -m huescape train" in line:
            break
    while process.poll() is None and not list(checkpoints.rglob("*.pt")):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(60) == 130, rest
    assert _table(project, "long")[0]["status"] == "done"

    project.run("huescape", "sweep", "sweep.yaml")
    assert project.ran() == ["check", "train@colorunet", "evaluate@colorunet"]
    assert project.output.count("finished before") == 1
    rows = _table(project, "long")
    assert [row["status"] for row in rows] == ["done", "done"]
    assert rows[1]["steps"] == "400"


def test_a_wrong_key_is_refused_before_anything_runs(project: Any) -> None:
    _write(project, name="wrong", grid={LR: [0.1], "systems.colorunet.optimizer.lrr": [1.0]})
    assert project.run("huescape", "sweep", "sweep.yaml", check=False) == 2
    (line,) = project.output.splitlines()
    assert line.startswith("huescape: error: sweep.yaml: point 1: systems.colorunet.optimizer.lrr")
    assert not (project.root / ".huescape" / "sweeps").exists()


def test_without_a_commit_a_sweep_says_so(project: Any) -> None:
    project.run("git", "checkout", "--quiet", "--orphan", "empty")
    _write(project, name="early", grid={T: [0.5]})
    assert project.run("huescape", "sweep", "sweep.yaml", check=False) == 1
    assert "needs a git repository with a commit" in project.output


def test_dvc_exp_run_changes_what_it_is_told(project: Any) -> None:
    """As the README has it: an existing key by its name, a key of the preset with a plus."""
    project.run("dvc", "exp", "run", "-S", "evaluate.temperature=0.5")
    assert project.ran() == ["check", "evaluate@colorunet", "report"]
    scores = project.root / "reports/evaluation/colorunet.json"
    assert json.loads(scores.read_text())["temperature"] == 0.5
    project.run("dvc", "exp", "run", "-S", "+systems.colorunet.loss.name=focal")
    assert project.ran() == ["check", "train@colorunet", "evaluate@colorunet", "report"]
    model = json.loads((project.root / "models/colorunet/system.json").read_text())
    assert model["params"]["loss"]["name"] == "focal"
    assert json.loads(scores.read_text())["temperature"] == 0.5
