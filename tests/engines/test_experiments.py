"""DVC's experiments in a copy of the project run the code of that copy, and keep their run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

pytestmark = [pytest.mark.long, pytest.mark.exhaustive]

SAY = 'print(f"{stage}: "'


@pytest.fixture
def told(project: Any) -> Any:
    """Every stage prints where its code lies; the results that are there stay valid."""
    path = project.root / "src/huescape/subcommands.py"
    text = path.read_text()
    assert SAY in text
    path.write_text(text.replace(SAY, f"print('code', __file__); {SAY}"))
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "tell")
    return project


def _codes(output: str) -> set[Path]:
    lines = [line for line in output.splitlines() if line.startswith("code ")]
    return {Path(line.removeprefix("code ")).parents[2] for line in lines}


def test_a_temporary_experiment_runs_its_own_code_and_keeps_its_run(told: Any) -> None:
    told.environment["HUESCAPE_TRACKING"] = "on"
    lr = "systems.colorunet.optimizer.lr=0.0033"
    told.run("dvc", "exp", "run", "--temp", "--name", "aside", "-S", lr)
    assert told.ran() == ["check", "train@colorunet", "evaluate@colorunet", "report"]
    (copy,) = _codes(told.output)
    assert copy.is_relative_to(told.root / ".dvc/tmp/exps")
    client = MlflowClient(f"sqlite:///{told.root}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["optimizer.lr"] == "0.0033"
    assert run.data.metrics["auc"] > 0
    assert run.info.artifact_uri.startswith(str(told.root / "mlruns"))
    assert {entry.path for entry in client.list_artifacts(run.info.run_id)} >= {"evaluation"}
    assert "lr: 0.002" in (told.root / "params.yaml").read_text()


def test_a_queued_experiment_runs_the_code_it_was_queued_with(told: Any) -> None:
    told.run(
        "dvc", "exp", "run", "--queue", "--name", "later", "-S", "evaluate.decode.temperature=0.5"
    )
    with (told.root / "src/huescape/subcommands.py").open("a") as stream:
        stream.write("\nraise SystemExit('the code of the working tree')\n")
    told.run("dvc", "exp", "run", "--run-all", "--jobs", "1")
    told.run("dvc", "queue", "logs", "later")
    assert told.ran() == ["check", "evaluate@colorunet", "report"]
    (copy,) = _codes(told.output)
    assert copy.is_relative_to(told.root / ".dvc/tmp/exps")


def _call(folder: Path, code: Path, *command: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_the_code_of_the_folder_or_none(made_by_dvc: Any, tmp_path: Path) -> None:
    """Whatever is installed, in each way to start; one line where Python does not let it."""
    installed = made_by_dvc.root / "src"
    project = made_by_dvc.copy(tmp_path / "project")
    init = project.root / "src/huescape/__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "own-'))
    script = Path(sys.executable).with_name("huescape")
    for command in ((sys.executable, "-m", "huescape"), (sys.executable, str(script))):
        assert "own-" in _call(project.root, installed, *command, "--version").stdout
        assert "own-" not in _call(tmp_path, installed, *command, "--version").stdout
    done = _call(project.root, installed, sys.executable, "-E", "-m", "huescape", "check")
    if "No module named" not in done.stderr:  # it is installed where -E still finds it
        assert done.returncode == 1
        assert "is imported in place of" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_dvc_exp_run_changes_what_it_is_told(project: Any) -> None:
    """As the README has it: an existing key by its name, a key of the preset with a plus."""
    project.run("dvc", "exp", "run", "-S", "evaluate.decode.temperature=0.5")
    assert project.ran() == ["check", "evaluate@colorunet", "report"]
    scores = project.root / "reports/evaluation/colorunet.json"
    assert json.loads(scores.read_text())["decode"] == "annealed T=0.5"
    project.run("dvc", "exp", "run", "-S", "+systems.colorunet.loss.name=focal")
    assert project.ran() == ["check", "train@colorunet", "evaluate@colorunet", "report"]
    model = json.loads((project.root / "models/colorunet/system.json").read_text())
    assert model["params"]["loss"]["name"] == "focal"
    assert json.loads(scores.read_text())["decode"] == "annealed T=0.5"
