"""A training that starts torchrun itself: what it says and leaves when a process is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from huescape.base.errors import HuescapeError
from huescape.distributed import launch
from tests.distributed.killing import EACH_OF_TWO, ONE_LINE, RANKS, kill, lines

PARAMS = Path(__file__).parents[2] / "params.yaml"
QUANTIZER = {
    "space": "yuv",
    "bins": {"rule": "frequent", "n": 4, "cells": 20},
    "prior": {"sigma": 0.0, "lambda": 0.5},
    "encode": {"method": "hard", "stride": 1},
}
SYSTEM = {
    "preset": "colorunet",
    "quantizer": "toy",
    "network": {"name": "colorunet", "width": 4},
    "augmentation": {"mode": "together", "crop": 16, "crop_shares": []},
    **{"steps": 60, "batch": 4, "checkpoint_every": 5, "precision": "float32"},
}


@pytest.fixture
def project(tmp_path: Path, targets: Path) -> Path:
    """A folder in which `huescape train toy` is next."""
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    params["quantizers"]["toy"], params["systems"] = QUANTIZER, {"toy": SYSTEM}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shutil.copytree(targets / "shards", tmp_path / "data" / "shards" / "toy")
    for kind, name in (("bins", "bins"), ("priors", "prior")):
        (tmp_path / "data" / kind).mkdir()
        shutil.copy(targets / f"{name}.npz", tmp_path / "data" / kind / "toy.npz")
    return tmp_path


@pytest.fixture
def start(project: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `huescape train toy` in two processes, or so many; what is left of it is ended."""
    started: list[subprocess.Popen[str]] = []

    def starts(processes: str = "2") -> subprocess.Popen[str]:
        own = {"HUESCAPE_PROCESSES": processes, "HUESCAPE_THREADS": "1", "HUESCAPE_TRACKING": "off"}
        command = [sys.executable, "-m", "huescape", "train", "toy"]
        options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**os.environ, **own, "HUESCAPE_DEVICE": "cpu"}
        started.append(
            subprocess.Popen(command, cwd=project, env=environment, text=True, **options)
        )
        return started[-1]

    yield starts
    for process in started:
        process.kill()
        process.wait()


def first_checkpoint(project: Path, process: subprocess.Popen[str]) -> None:
    """Wait for it."""
    while not list(project.glob(".huescape/checkpoints/*/step-*.pt")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


@pytest.mark.long
@EACH_OF_TWO
def test_killed_it_stops_in_one_line_and_goes_on(
    project: Path, start: Callable[..., subprocess.Popen[str]], killed: str
) -> None:
    process = start()
    first_checkpoint(project, process)
    said = kill(process, killed)
    assert not (project / "models" / "toy").exists()
    if killed in RANKS:
        assert process.returncode == 1
        assert len(said) == 1
        assert said[0].startswith(ONE_LINE.format(killed))
    elif killed == "all":
        assert process.returncode == 130
        assert len(said) == 1
        assert "interrupted after step" in said[0]
    again = start()
    stdout, stderr = again.communicate()
    assert again.returncode == 0, stderr
    assert not lines(stderr)
    assert stdout.count("train: ") == 1
    assert (project / "models" / "toy" / "weights.safetensors").exists()
    left = {path.name for path in (project / ".huescape").iterdir()}
    assert left <= {"checkpoints", "costs.jsonl", "running"}


@pytest.mark.long
def test_what_is_wrong_is_said_once(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    text = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(
        text.replace("batch: 4", "batch: 4\n    compile: true"), encoding="utf-8"
    )
    process = start()
    _, stderr = process.communicate()
    assert process.returncode == 2
    said = "systems.<name>.compile is true; allowed with 2 processes: false"
    assert lines(stderr) == [f"huescape: error: {said}"]


def test_more_processes_than_torchrun_can_redirect() -> None:
    """Its own option knows ten."""
    code = "from huescape.distributed.launch import launch; launch(12, '--version', again='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("huescape") == 1  # the first speaks


def test_more_processes_than_photos_start_none(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start("999999")
    _, stderr = process.communicate()
    assert process.returncode == 2
    assert lines(stderr) == [
        "huescape: error: systems.<name>.batch is 4; allowed with 999999 processes: 999999 or more"
    ]


@pytest.mark.long
def test_every_process_reads_shards_at_an_address(
    project: Path, start: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "data" / "shards").rename(project / "elsewhere")
    monkeypatch.setenv("HUESCAPE_SHARDS", f"file://{project}/elsewhere")
    text = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(text.replace("steps: 60", "steps: 3"), encoding="utf-8")
    process = start()
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert (project / "models" / "toy" / "weights.safetensors").exists()


def test_what_one_process_said_goes_before_how_another_was_ended(tmp_path: Path) -> None:
    """One alone fails where its machine's disk does; torchrun then kills those that wait for it."""
    log = tmp_path / "run" / "attempt_0" / "1" / "stderr.log"
    log.parent.mkdir(parents=True)
    log.write_text("huescape: error: data/x: cannot be read\n", encoding="utf-8")
    with pytest.raises(HuescapeError, match=r"^process 1 of 2: data/x: cannot be read$"):
        launch._tell({0: -signal.SIGKILL, 1: 1}, tmp_path, 2, "")


def test_who_ends_first_of_those_that_are_stopped_does_not_matter(tmp_path: Path) -> None:
    """The first process may still be writing its checkpoint when torchrun hears of the others."""
    for codes in ({0: 130, 1: 130}, {1: 130}):
        with pytest.raises(SystemExit) as stopped:
            launch._tell(codes, tmp_path, 2, "")
        assert stopped.value.code == 130
