from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import numpy as np
import pytest

import huescape
from huescape.tracking import context


def test_parameters_become_dotted_keys_and_texts() -> None:
    values = {
        "quantizer": "yuv32",
        "optimizer": {"lr": 0.001, "betas": [0.9, 0.999], "schedule": {"gamma": 0.1}},
        "crop": None,
        "options": {},
        "flip": True,
    }
    assert context.flat_params(values) == {
        "quantizer": "yuv32",
        "optimizer.lr": "0.001",
        "optimizer.betas": "[0.9, 0.999]",
        "optimizer.schedule.gamma": "0.1",
        "crop": "null",
        "options": "{}",
        "flip": "true",
    }


def test_only_numbers_are_metrics() -> None:
    values = {
        "auc": np.float64(0.5),
        "photos": 3,
        "decodes": {"median": {"psnr": 21.5}},
        "warnings": ["few pixels"],
        "name": "x",
        "missing": None,
        "flag": True,
    }
    assert context.flat_metrics(values) == {
        "auc": 0.5,
        "photos": 3.0,
        "decodes.median.psnr": 21.5,
    }


@pytest.mark.parametrize(
    ("environment", "engine"),
    [
        ({}, "command"),
        ({"DVC_ROOT": "/x"}, "dvc"),
        ({"DVC_STAGE": "train@colorunet"}, "dvc"),
        ({"HUESCAPE_ENGINE": "snakemake", "DVC_ROOT": "/x"}, "snakemake"),
    ],
)
def test_engine(environment: dict[str, str], engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUESCAPE_ENGINE", "DVC_ROOT", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert context.engine() == engine


def test_tags_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    tags = context.surroundings()
    assert tags["huescape.version"] == huescape.__version__
    assert "git.commit" not in tags
    assert "dvc.lock" not in tags


def test_tags_in_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    Path("params.yaml").write_text("a: 1\n")
    Path("dvc.lock").write_text("one\n")
    git("add", ".")
    git("commit", "-qm", "first")
    Path("dvc.lock").write_text("two\n")
    tags = context.surroundings()
    assert tags["git.commit"] == git("rev-parse", "HEAD")
    assert tags["dvc.lock"] == hashlib.sha256(b"two\n").hexdigest()
    assert tags["git.dirty"] == "false", "dvc.lock is written by the run itself"
    Path("params.yaml").write_text("a: 2\n")
    assert context.surroundings()["git.dirty"] == "true"
