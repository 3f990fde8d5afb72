"""What a cluster asks of jobs, tried without one: tests/cluster runs them through SLURM."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from huescape.base.exclusive import RUN, take

pytestmark = pytest.mark.long

FROM_LINES = re.MULTILINE | re.DOTALL
# As an executor's jobs start on their nodes.
REMOTE = ("snakemake", "--mode", "remote", "--cores", "1", "--force", "--target-jobs", "check:")


def test_a_job_whose_run_has_ended_does_not_begin(fresh: Any) -> None:
    assert fresh.run(*REMOTE, check=False) == 1
    assert f"huescape: error: nobody holds {RUN}: the run that this job is part of" in fresh.output
    assert "Traceback" not in fresh.output
    assert not (fresh.root / "data/checked.txt").exists()


def test_a_job_of_a_run_at_work_is_not_taken_for_forced(fresh: Any) -> None:
    """Snakemake forces every job of a cluster; only what the user forces runs unasked."""
    fresh.run("snakemake", "--cores", "1", "--", "check")
    lock = take(fresh.root / RUN)
    assert lock is not None
    with lock:
        fresh.run(*REMOTE)
        assert "check: unchanged, skipped" in fresh.output
        (fresh.root / ".snakemake/forced/check").touch()
        fresh.run(*REMOTE)
    assert fresh.ran() == ["check"]


def test_two_jobs_never_make_the_same_at_once(fresh: Any) -> None:
    """A cluster that loses sight of a node starts its job on another one as well."""
    path = fresh.root / ".dvc/tmp/huescape-jobs/check"
    lock = take(path)
    assert lock is not None
    process = subprocess.Popen(
        [sys.executable, "-m", "huescape.engines.job", "check", "--ask"],
        cwd=fresh.root,
        env=fresh.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "check: waiting for a job elsewhere that makes the same\n"
    assert not (fresh.root / "data/checked.txt").exists()
    lock.close()
    assert "$ sh workflow/run check" in process.stderr.read()
    assert process.wait() == 0
    assert (fresh.root / "data/checked.txt").exists()
    again = take(path)
    assert again is not None  # nothing that the job started holds it still
    again.close()


@pytest.mark.parametrize(("device", "gpus"), [("cpu", "0"), ("cuda:1", "1")])
def test_a_training_asks_for_a_gpu_where_cuda_is_wanted(fresh: Any, device: str, gpus: str) -> None:
    fresh.run("snakemake", "-n", "--cores", "2", HUESCAPE_DEVICE=device)
    rules = fresh.output.split("\nrule ")
    (training,) = [rule for rule in rules if rule.startswith("train_colorunet:")]
    assert f"gpu={gpus}" in training
    (prior,) = [rule for rule in rules if rule.startswith("prior_yuv32:")]
    assert "gpu=0" in prior


def test_many_processes_take_so_many_times_the_cores_and_the_memory(fresh: Any) -> None:
    """Those that train a system together, and those that score it."""
    many = {"HUESCAPE_THREADS": "2", "HUESCAPE_PROCESSES": "3", "HUESCAPE_DEVICE": "cuda"}
    fresh.run("snakemake", "-n", "--cores", "8", **many)
    rules = fresh.output.split("\nrule ")
    for name in ("train_colorunet:", "evaluate_colorunet:"):
        (job,) = [rule for rule in rules if rule.startswith(name)]
        assert "threads: 6\n" in job
        assert "gpu=3, mem_mb=12000" in job
    (prior,) = [rule for rule in rules if rule.startswith("prior_yuv32:")]
    assert "gpu=0, mem_mb=1000" in prior


def test_a_job_asks_for_twice_the_memory_each_time_it_is_retried(fresh: Any) -> None:
    asked = []
    for attempt in ("1", "3"):
        fresh.run("snakemake", "-n", "--cores", "2", "--attempt", attempt, "--", "filter")
        asked.append(int(re.findall(r"^rule filter:.*?mem_mb=(\d+)", fresh.output, FROM_LINES)[0]))
    assert asked == [2000, 8000]


def test_the_profile_of_a_cluster_names_options_that_there_are(fresh: Any) -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="extra `cluster` is missing")
    profile = Path("workflow/profiles/slurm")
    fresh.run("snakemake", "-n", "--profile", str(profile), "resize")
    first = fresh.output.split("rule download:")[1].split("\n\n")[0]
    assert "runtime=240" in first


def test_the_document_shows_the_script_for_several_nodes() -> None:
    """The one that tests/cluster/test_torchrun.py submits."""
    root = Path(__file__).parents[2]
    script = (root / "workflow/torchrun.sbatch").read_text(encoding="utf-8")
    assert f"```bash\n{script}```" in (root / "docs/many-processes.md").read_text(encoding="utf-8")
