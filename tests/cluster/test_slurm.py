"""The whole graph and single stages as jobs of a real SLURM, and what may happen to them there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import slurm
from tests.cluster.conftest import LIMIT, OnCluster, new_project

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(LIMIT)]

PRIOR = ("--forcerun", "prior_lab", "--", "prior_lab")

# Python imports it at its start. The stage `prior` takes more memory than its job asks for at
# first, and holds it until it is ended.
GREEDY = """
import os, subprocess, sys, time

if sys.orig_argv[-2:] == ["prior", "lab"]:
    held = b"x" * 1_500_000_000
    job = ["scontrol", "show", "job", os.environ["SLURM_JOB_ID"]]
    while "mem=1000M" in subprocess.run(job, capture_output=True, text=True).stdout:
        time.sleep(0.2)
"""

# The stage `prior` says where it began, and goes on once it may.
PATIENT = """
import os, sys, time

if sys.orig_argv[-2:] == ["prior", "lab"]:
    open(os.path.join(os.environ["HOOK"], "begun." + os.environ["SLURMD_NODENAME"]), "a").close()
    while not os.path.exists(os.path.join(os.environ["HOOK"], "go")):
        time.sleep(0.2)
"""


def test_from_scratch_slurm_makes_what_dvc_makes(made_by_dvc: OnCluster, tmp_path: Path) -> None:
    """In a folder whose name needs quotes, and with a GPU asked for by the training alone."""
    project = new_project(tmp_path / "a user's project")
    project.submit("--set-resources", "train_colorunet:gres='gpu:1'")
    assert project.lock() == made_by_dvc.lock()
    assert project.outputs() == made_by_dvc.outputs()
    finished = _finished(set(re.findall(r"with SLURM jobid (\d+)", project.output)))
    asked = {comment: record.get("TresPerNode") for comment, record in finished.items()}
    assert {comment for comment, tres in asked.items() if tres} == {"rule_train_colorunet"}
    assert finished["rule_train_colorunet"]["NodeList"] == slurm.GPU_NODE
    submitted = re.findall(r"has been submitted .*rule_partition_resize/(\d+)/", project.output)
    assert sorted(submitted) == ["00000", "00001"]
    assert list((project.root / "logs").rglob("train_colorunet.benchmark.tsv"))
    project.run("git", "status", "--short")
    assert not re.search(r"logs|benchmark|slurm", project.output)
    assert project.engine("dvc") == []
    assert project.engine("snakemake") == []


def test_partitions_can_be_grouped_into_one_job(project: OnCluster) -> None:
    before = project.lock()
    (project.root / "data/resized/index.json").unlink()
    grouped = ("--groups", "partition_resize=resize", "--group-components", "resize=2")
    project.submit(*grouped, "--", "resize")
    assert len(re.findall("^Job .*has been submitted", project.output, re.MULTILINE)) == 2
    assert project.lock() == before
    assert project.engine("dvc") == []


def test_a_job_that_outgrows_its_memory_is_given_twice_as_much(
    project: OnCluster, tmp_path: Path
) -> None:
    before = project.lock()
    project.submit(*PRIOR, **_hook(project, tmp_path / "hook", GREEDY))
    memory = re.findall(r"mem_mb=(\d+)", project.output)
    assert memory == ["1000", "2000"], project.output
    assert project.lock() == before
    assert project.engine("dvc") == []


def test_a_lost_node_loses_nothing(project: OnCluster, tmp_path: Path) -> None:
    """SLURM starts the job elsewhere while that of the lost node still works."""
    before, hook = project.lock(), tmp_path / "hook"
    running = project.begin(*PRIOR, **_hook(project, hook, PATIENT))
    slurm.wait(lambda: len(list(hook.glob("begun.*"))) == 1, "prior at work", 180)
    node = next(hook.glob("begun.*")).suffix[1:]
    slurm.kill_node(node)
    try:
        slurm.wait(
            lambda: any(job["node"] not in ("", node) for job in slurm.jobs()), "second job", 180
        )
        (hook / "go").touch()
        said = running.communicate(timeout=300)[0]
    finally:
        slurm.start_node(node)
    assert running.returncode == 0, said
    assert project.lock() == before
    assert project.engine("dvc") == []
    slurm.wait(lambda: slurm.state(node) == "idle", f"{node} back", 120)


@pytest.mark.parametrize(("stop", "then"), [("scancel", "dvc"), ("Ctrl-C", "snakemake")])
def test_what_was_cancelled_goes_on_under_either_engine(
    project: OnCluster, made_by_dvc: OnCluster, stop: str, then: str
) -> None:
    project.set("systems.colorunet.steps", 1_000_000)
    running = project.begin("--retries", "0", "--", "train_colorunet")
    checkpoints = project.root / ".huescape/checkpoints"
    slurm.wait(lambda: bool(list(checkpoints.rglob("*.pt"))), "checkpoint", 240)
    if stop == "scancel":
        subprocess.run(["scancel", "-u", "root"], check=True, timeout=60)
    else:
        os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=300)[0]
    assert running.returncode != 0, said
    slurm.wait(lambda: slurm.jobs() == [], "empty queue", 120)
    project.set("systems.colorunet.steps", 6)
    project.engine(then)  # of DVC's, what it has in its run cache runs no more
    assert project.lock() == made_by_dvc.lock()
    assert project.outputs() == made_by_dvc.outputs()
    assert project.engine("dvc") == []


def test_a_python_that_snakemake_could_not_start_is_refused(
    project: OnCluster, tmp_path: Path
) -> None:
    python = tmp_path / "my environment/bin/python"
    _environment(python)
    command = project.command("--forcerun", "prior_lab", "--", "prior_lab")[1:]
    assert project.run(str(python), "-m", "snakemake", *command, check=False) != 0
    assert f"huescape: error: {python}: on a cluster Snakemake cannot start" in project.output
    assert "submitted" not in project.output


def _environment(python: Path) -> None:
    """A Python in a folder of its own, with all packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parents[1]], check=True)
    site = next(python.parents[1].glob("lib/python*/site-packages"))
    found = subprocess.run(
        [sys.executable, "-c", "import site; print(site.getsitepackages()[0])"],
        capture_output=True,
        text=True,
        check=True,
    )
    (site / "packages.pth").write_text(found.stdout)


def _hook(project: OnCluster, folder: Path, code: str) -> dict[str, str]:
    """Variables under which every Python runs the code first."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    path = os.pathsep.join([str(folder), project.environment["PYTHONPATH"]])
    return {"PYTHONPATH": path, "HOOK": str(folder)}


def _finished(numbers: set[str]) -> dict[str, dict[str, str]]:
    """What SLURM knows of these jobs, by their comments."""
    shown = subprocess.run(
        ["scontrol", "show", "job", "-o"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    records = [
        dict(word.partition("=")[::2] for word in line.split() if "=" in word)
        for line in shown.splitlines()
    ]
    return {record["Comment"]: record for record in records if record.get("JobId") in numbers}
