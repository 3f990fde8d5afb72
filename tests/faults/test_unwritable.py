"""Outputs and states that may not be written, and a TMPDIR that is full."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.faults.bare import SETTINGS, command, make_project, results, run, temporaries, the_error
from tests.faults.disks import filled, small_disk
from tests.faults.permissions import bound, unwritable

pytestmark = pytest.mark.long
#: A stage, what may not be written, and the stages that come before it.
CASES = [
    ("download", "data", ()),
    ("download", ".huescape", ()),
    ("filter", "data/catalog", ("download",)),
    ("resize", ".huescape", ("download", "filter")),
]
FIRST = ("download", "filter", "resize", "bins lab", "encode lab", "prior lab")


def _run_bound(project: Path, stage: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*bound(), *command(stage)),
        cwd=project,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize(("stage", "folder", "before"), CASES)
def test_a_stage_says_what_it_may_not_write_and_goes_on_once_it_may(
    tmp_path: Path, stage: str, folder: str, before: tuple[str, ...]
) -> None:
    project = make_project(tmp_path)
    for name in before:
        assert run(project, name).returncode == 0
    with unwritable(project / folder):
        found = results(project)
        done = _run_bound(project, stage)
        if done.returncode:
            assert re.search(rf"{re.escape(folder)}.*: Permission denied", the_error(done))
            assert results(project) == found
        else:  # without its state it works as well, only slower
            assert folder == ".huescape", done.stderr
        assert temporaries(project) == []
    done = run(project, stage)
    assert done.returncode == 0, done.stderr


def test_a_full_folder_for_temporary_files_is_no_fault(tmp_path: Path) -> None:
    """Everything is written beside its place: no stage needs room elsewhere."""
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project")
    with small_disk(tmp_path / "tmp", 1) as tmp, filled(tmp, 0):
        for stage in ("download", "filter", "resize"):
            done = run(project, stage, TMPDIR=str(tmp))
            assert done.returncode == 0, done.stderr


def test_a_training_says_before_its_first_step_that_it_could_not_be_saved(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for name in FIRST:
        assert run(project, name).returncode == 0
    with unwritable(project / "models"):
        done = _run_bound(project, "train colorunet")
    assert re.search(r"models.*: Permission denied", the_error(done))
    assert not list(project.glob(".huescape/checkpoints/*"))


def test_a_stage_waits_for_another_of_its_kind(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    both = [
        subprocess.Popen(
            command("download"),
            cwd=project,
            env={**os.environ, **SETTINGS},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    said = "".join(process.communicate(timeout=200)[1] for process in both)
    assert [process.returncode for process in both] == [0, 0], said
    assert "waiting for another 'download' in this folder" in said
