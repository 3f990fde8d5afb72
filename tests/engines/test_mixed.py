"""Both engines on one tree: what goes wrong where two tools judge, each case tried."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

PRIOR = ["check", "evaluate@colorunet", "prior@yuv32", "report", "train@colorunet"]


def _weights(project: Any) -> bytes:
    return (project.root / "models/colorunet/weights.safetensors").read_bytes()


def test_from_scratch_both_write_the_same_bytes(made_by_dvc: Any, made_by_snakemake: Any) -> None:
    by_dvc, by_snakemake = made_by_dvc.outputs(), made_by_snakemake.outputs()
    assert by_dvc.keys() == by_snakemake.keys()
    assert [name for name in by_dvc if by_dvc[name] != by_snakemake[name]] == []
    assert "models/colorunet/weights.safetensors" in by_dvc
    assert made_by_dvc.lock() == made_by_snakemake.lock()


def test_made_by_snakemake_dvc_has_nothing_to_do(made_by_snakemake: Any, tmp_path: Path) -> None:
    project = made_by_snakemake.copy(tmp_path / "copy")
    assert project.engine("dvc") == []
    assert project.engine("snakemake") == []


def test_there_and_back_between_the_engines(project: Any) -> None:
    before = _weights(project)
    project.set("quantizers.yuv32.prior.lambda", 0.1)
    assert sorted(project.engine("snakemake")) == PRIOR
    project.set("quantizers.yuv32.prior.lambda", 0.2)
    project.engine("dvc")
    project.set("quantizers.yuv32.prior.lambda", 0.5)
    assert "train@colorunet" in project.engine("snakemake")
    assert _weights(project) == before
    assert project.engine("dvc") == []


def test_a_removed_output_is_made_again(project: Any) -> None:
    (project.root / "data/priors/yuv32.npz").unlink()
    assert project.engine("snakemake") == ["prior@yuv32"]
    assert project.engine("dvc") == []


def test_code_is_a_dependency(project: Any) -> None:
    with (project.root / "src/huescape/stages/prior.py").open("a") as stream:
        stream.write("# a comment changes no output\n")
    assert sorted(project.engine("snakemake")) == ["prior@lab313", "prior@yuv32"]
    assert project.engine("dvc") == []


def test_forcerun_runs_though_nothing_changed(project: Any) -> None:
    ran = project.engine("snakemake", "--forcerun", "prior_yuv32")
    assert "prior@yuv32" in ran
    assert project.engine("dvc") == []


def test_a_clone_with_a_remote_pulls_and_has_nothing_to_do(project: Any, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "-d", "store", str(tmp_path / "remote"))
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "results")
    project.run("dvc", "push", "-q")
    clone = tmp_path / "clone"
    project.run("git", "clone", "-q", str(project.root), str(clone))
    copy = type(project)(clone, {**project.environment, "PYTHONPATH": str(clone / "src")})
    copy.run("dvc", "pull", "-q")
    assert copy.engine("snakemake") == []
    assert copy.engine("dvc") == []


@pytest.mark.parametrize("first", ["dvc", "snakemake"])
def test_a_failed_stage_is_not_taken_for_fresh(project: Any, first: str) -> None:
    before = _weights(project)
    project.set("systems.colorunet.optimizer.lr", 1e30)  # the loss becomes infinite
    second = "snakemake" if first == "dvc" else "dvc"
    for engine, ran in ((first, ["check", "train@colorunet"]), (second, ["train@colorunet"])):
        assert project.engine(engine, check=False) == ran
        assert "huescape: error:" in project.output
        assert "Traceback" not in project.output.split("RuleException")[0]
    project.set("systems.colorunet.optimizer.lr", 0.002)
    project.engine(first)
    assert _weights(project) == before
    assert project.engine("dvc") == []
    assert project.engine("snakemake") == []


def test_an_output_changed_by_hand_is_restored(project: Any) -> None:
    shard = project.root / "data/shards/yuv32/00000.index.npy"
    content = shard.read_bytes()
    shard.chmod(0o644)
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert project.engine("snakemake") == ["encode@yuv32"]
    assert shard.read_bytes() == content
    assert project.engine("dvc") == []


@pytest.mark.parametrize("engine", ["dvc", "snakemake"])
def test_a_killed_engine_is_recovered_from_by_either(project: Any, engine: str) -> None:
    project.set("systems.colorunet.steps", 400)
    process = _training(project, engine)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    project.set("systems.colorunet.steps", 6)
    other = "snakemake" if engine == "dvc" else "dvc"
    project.engine(other)
    assert project.engine("dvc") == []
    assert project.engine("snakemake") == []


def test_bad_parameters_are_one_line_in_both_engines(project: Any) -> None:
    project.set("evaluate.decode.temperature", 0)
    assert project.run("snakemake", "--cores", "2", check=False) != 0
    assert "evaluate.decode.temperature is 0; allowed: a number above 0" in project.output
    assert "Traceback" not in project.output
    assert project.run("dvc", "repro", check=False) != 0
    assert "evaluate.decode.temperature is 0; allowed: a number above 0" in project.output
    assert "Traceback" not in project.output


@pytest.mark.parametrize(
    ("engine", "shell"), [("dvc", "/bin/sh"), ("dvc", "/bin/bash"), ("snakemake", "/bin/sh")]
)
def test_a_stage_does_not_outlive_its_killed_engine(project: Any, engine: str, shell: str) -> None:
    """Whether the shell between engine and stage stays (dash) or is replaced by it (bash)."""
    project.environment["SHELL"] = shell
    project.set("systems.colorunet.steps", 100_000)
    process = _training(project, engine)
    assert _group_members(process.pid)
    os.kill(process.pid, signal.SIGKILL)  # the engine alone
    process.wait()
    deadline = time.monotonic() + 30
    while _group_members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _group_members(process.pid) == []


def _training(project: Any, engine: str) -> subprocess.Popen[bytes]:
    """Start an engine in a process group of its own; return once its training has a checkpoint."""
    command = {"dvc": ["dvc", "repro"], "snakemake": ["snakemake", "--cores", "2"]}[engine]
    process = subprocess.Popen(
        command, cwd=project.root, env=project.environment, start_new_session=True
    )
    checkpoints = project.root / ".huescape/checkpoints"
    deadline = time.monotonic() + 60
    while not list(checkpoints.rglob("*.pt")):
        assert time.monotonic() < deadline, "no checkpoint after a minute"
        time.sleep(0.1)
    return process


def _group_members(group: int) -> list[str]:
    """The command lines of the living processes of a process group."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


def test_a_training_declares_the_cores_that_torch_uses(project: Any) -> None:
    """So that `--cores 8` trains several systems side by side."""
    command = ("snakemake", "-n", "--cores", "8", "--forcerun", "train_colorunet")
    project.run(*command, HUESCAPE_THREADS="3")
    job = project.output.split("rule train_colorunet:")[1].split("\n\n")[0]
    assert "threads: 3" in job
    assert "device=1" in job


def test_how_many_processes_score_does_not_show(project: Any) -> None:
    before, made = project.lock(), project.outputs()
    shutil.rmtree(project.root / "reports/evaluation/colorunet")
    forced = ("dvc", "repro", "-f", "-s", "evaluate@colorunet")
    project.run(*forced, HUESCAPE_PROCESSES="2")
    assert "sh workflow/run evaluate colorunet" in project.output
    assert (project.lock(), project.outputs()) == (before, made)
    assert project.engine("dvc") == []


def test_a_key_may_look_like_a_rule(project: Any) -> None:
    """`encode_yuv32_partition` makes a quantizer of that name, not a partition of `yuv32`."""
    bins, hard = {"rule": "frequent", "n": 4}, {"method": "hard"}
    project.set("quantizers.yuv32_partition", {"space": "yuv", "bins": bins, "encode": hard})
    project.run("snakemake", "-n", "--cores", "2", "prior_yuv32_partition")
    started = set(re.findall(r"^rule (\w+):$", project.output, re.MULTILINE))
    made = {f"{stage}_yuv32_partition" for stage in ("bins", "encode", "partition_encode", "prior")}
    assert started == {"check", *made}
