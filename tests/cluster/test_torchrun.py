"""One system trained and scored over two nodes of a real SLURM, by the script for it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.cluster.conftest import LIMIT, OnCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(LIMIT)]

SCRIPT = "workflow/torchrun.sbatch"
# As tests/training/test_processes.py has it: steps no larger than the gradient, and noise, so that
# the largest of four numbers is no matter of rounding.
CHANGES: dict[str, Any] = {
    "optimizer": {"name": "sgd", "lr": 0.02, "milestones": [0.5], "clip": 0.5},
    "augmentation.noise": [0.02, 0.03],
    "augmentation.crop": 16,
    "precision": "float32",
    "batch": 6,
    "steps": 6,
}
BOUND = 1e-5


def submit(project: OnCluster, *words: str) -> str:
    """Run `huescape WORDS` on two nodes and wait for it; what it says."""
    wait = ("sbatch", "--wait", "--nodes=2", "--cpus-per-task=1", SCRIPT)
    code = project.run(*wait, *words, check=False)
    (log,) = project.root.glob("huescape-*.log")
    said = log.read_text(encoding="utf-8")
    log.unlink()
    assert code == 0, project.output + said
    return said


def reports(root: Path) -> dict[str, bytes]:
    files = [path for path in (root / "reports/evaluation").rglob("*") if path.is_file()]
    return {path.name: path.read_bytes() for path in files}


def trained(root: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The weights, and the columns of `history.csv`."""
    model = root / "models/colorunet"
    with (model / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = {key: np.array([float(row[key] or "nan") for row in rows]) for key in rows[0]}
    return load_file(model / "weights.safetensors"), numbers


def test_two_nodes_train_and_score_what_one_process_does(project: OnCluster) -> None:
    for key, value in CHANGES.items():
        project.set(f"systems.colorunet.{key}", value)
    project.run("huescape", "train", "colorunet")
    weights, numbers = trained(project.root)
    shutil.rmtree(project.root / "models/colorunet")

    said = submit(project, "train", "colorunet")
    assert said.count("train: loss") == 1
    found_weights, found_numbers = trained(project.root)
    assert found_weights.keys() == weights.keys()
    for name, expected in weights.items():
        assert np.abs(found_weights[name] - expected).max() < BOUND, name
    assert any((found_weights[name] != expected).any() for name, expected in weights.items())
    for key, expected in numbers.items():
        assert found_numbers[key] == pytest.approx(expected, rel=BOUND, nan_ok=True), key

    project.run("huescape", "evaluate", "colorunet")
    one = reports(project.root)
    shutil.rmtree(project.root / "reports/evaluation")
    said = submit(project, "evaluate", "colorunet")
    assert said.count("evaluate: photos") == 1
    assert reports(project.root) == one

    project.run("dvc", "commit", "-f", "train@colorunet", "evaluate@colorunet")
    project.run("dvc", "status", "train@colorunet", "evaluate@colorunet")
    assert "up to date" in project.output


def test_what_is_wrong_is_said_once(project: OnCluster) -> None:
    project.set("systems.colorunet.batch", 1)
    with pytest.raises(AssertionError) as failed:
        submit(project, "train", "colorunet")
    said = [line for line in str(failed.value).splitlines() if "huescape: error" in line]
    assert len(said) == 1
    assert "batch is 1; allowed with 2 processes: 2 or more" in said[0]
