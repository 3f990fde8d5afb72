"""A SLURM on loopback for the tests of this folder, and a small project to run through it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.scratch import ONE_QUANTIZER, SMALL, scratch_project
from tests.cluster import slurm
from tests.engines.conftest import Workspace

#: Seconds for a test: `submit` may take an hour, after what makes its project. All are run by one
#: process here, and with it SLURM's daemons would be left.
LIMIT = 7200

_CHANGES = {
    **{key: value for key, value in SMALL.items() if not key.startswith("quantizers.")},
    **ONE_QUANTIZER,
    "resize": {"size": 48, "shards": 2},
}


class OnCluster(Workspace):
    """A project whose jobs go through SLURM with the profile that users have."""

    def command(self, *more: str) -> list[str]:
        """The profile, but for what this SLURM is: without accounting, and asked every second."""
        settings = ("--slurm-status-command", "squeue", "--max-threads", "2")
        often = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10")
        return ["snakemake", "--profile", "workflow/profiles/slurm", *settings, *often, *more]

    def submit(self, *more: str, **variables: str) -> None:
        """Run Snakemake to its end, which on a busy machine takes a quarter of an hour."""
        process = self.begin(*more, **variables)
        self.output = process.communicate(timeout=3600)[0]
        assert process.returncode == 0, self.output

    def begin(self, *more: str, **variables: str) -> subprocess.Popen[str]:
        """Start Snakemake in a session of its own; what it says is kept in the pipe.

        It hears Ctrl-C also where the tests run in the background, which do not.
        """
        return subprocess.Popen(
            self.command(*more),
            cwd=self.root,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """SLURM's daemons for all tests; skips where they cannot run."""
    reason = slurm.missing()
    if reason:
        pytest.skip(f"no SLURM here: {reason}")
    slurm.start()
    yield
    slurm.stop()


def new_project(root: Path) -> OnCluster:
    """The small project without any result."""
    folder = scratch_project(root, _CHANGES)
    return OnCluster(folder.root, dict(folder.environment))


@pytest.fixture(scope="session")
def made_by_dvc(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> OnCluster:
    """The small project, brought up to date by DVC; copy it, do not change it."""
    project = new_project(tmp_path_factory.mktemp("dvc") / "project")
    project.run("dvc", "repro")
    return project


@pytest.fixture
def project(made_by_dvc: OnCluster, tmp_path: Path) -> OnCluster:
    """A copy of the small project, up to date, to change at will."""
    copy = made_by_dvc.copy(tmp_path / "project")
    return OnCluster(copy.root, copy.environment)
