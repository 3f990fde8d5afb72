"""What CI says of the data's hashes: nothing of weights, one line for each other difference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci/data_hashes.py"
OUTS = {
    "download": {"data/raw": "1.dir"},
    "prior@lab": {"data/priors/lab.npz": "2", "reports/figures/prior-lab.png": "3"},
    "train@net": {"models/net": "4.dir"},
    "evaluate@net": {"reports/evaluation/net": "5.dir"},
    "report": {"reports/index.html": "6"},
}


def write(project: Path, outs: dict[str, dict[str, str]]) -> None:
    stages = {
        name: {"cmd": name, "outs": [{"path": p, "md5": m} for p, m in files.items()]}
        for name, files in outs.items()
    }
    (project / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))


def said(project: Path) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, SCRIPT, project], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, OUTS)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init"], ["add", "-A"], [*identity, "commit", "-m", "made elsewhere"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_the_same_data_and_other_weights_are_fine(project: Path) -> None:
    other = {"models/net": "7.dir"}
    write(project, OUTS | {"train@net": other, "report": {"reports/index.html": "8"}})
    assert said(project) == (0, "data: 3 outputs committed, 0 differ\n", "")


def test_each_difference_is_a_line(project: Path) -> None:
    write(project, {"prior@lab": OUTS["prior@lab"] | {"data/priors/lab.npz": "9"}})
    code, out, lines = said(project)
    assert code == 1
    assert out == "data: 3 outputs committed, 2 differ\n"
    assert lines.splitlines() == [
        "data/raw of download: not made; committed: 1.dir",
        "data/priors/lab.npz of prior@lab: 9; committed: 2",
    ]
