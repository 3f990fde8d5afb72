"""Stages killed in the middle of a write, then run: no temporary name stays anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks.scratch import SMALL
from huescape.temporaries import PREFIX

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small parameters; bare stages need no more."""
    folder = tmp_path_factory.mktemp("project")
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((ROOT / "params.yaml").read_text())
    for dotted, value in SMALL.items():
        *parents, last = dotted.split(".")
        at = params
        for key in parents:
            at = at[int(key)] if isinstance(at, list) else at[key]
        at[last] = value
    with (folder / "params.yaml").open("w") as stream:
        yaml.dump(params, stream)
    return folder


def start(project: Path, stage: str) -> subprocess.Popen[bytes]:
    settings = {"HUESCAPE_TRACKING": "off", "HUESCAPE_DEVICE": "cpu", "HUESCAPE_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "huescape", *stage.split()],
        cwd=project,
        env={**os.environ, **settings, "HUESCAPE_WORKERS": "2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def temporaries(project: Path) -> list[str]:
    found = (Path(at) / name for at, *lists in os.walk(project) for name in chain(*lists))
    return [path.relative_to(project).as_posix() for path in found if path.name.startswith(PREFIX)]


def kill_in_a_write(project: Path, stage: str) -> bool:
    """Kill a stage and its workers once it has a temporary name; whether one was left."""
    process = start(project, stage)
    while process.poll() is None and not temporaries(project):
        time.sleep(0.001)
    with_left = process.poll() is None
    if with_left:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return bool(temporaries(project))


def test_killed_stages_leave_nothing_once_they_are_done(project: Path) -> None:
    stages = ("download", "filter", "resize", "bins yuv32", "encode yuv32")
    left = {}
    for stage in stages:
        left[stage] = kill_in_a_write(project, stage)
        assert start(project, stage).wait() == 0, stage
        assert temporaries(project) == [], stage
    assert left["download"]  # it writes for long: a kill always leaves something
    assert left["resize"]
