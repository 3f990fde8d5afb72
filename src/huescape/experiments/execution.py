"""The two engines in a copy of the project, and its state as an experiment of DVC's.

DVC judges what is stale in both. An experiment is a commit that DVC lists: it holds a point's
parameters, its dvc.lock and its scores, so that a finished point is brought back, not run again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

from huescape.base.atomic import write_text
from huescape.base.children import environment, exit_code
from huescape.base.errors import HuescapeError
from huescape.base.runtime import THREADS
from huescape.experiments.workplace import Workplace, checkout, dvc, git

_EXPERIMENT_HEAD = "refs/exps/exec/EXEC_HEAD"


def reproduce(place: Workplace, targets: Sequence[str], variables: Mapping[str, str]) -> None:
    """Run `dvc repro` in the copy; what it prints goes to standard error.

    Raises HuescapeError when a stage fails.
    """
    code = exit_code(
        [sys.executable, "-m", "dvc", "repro", *targets],
        place.project,
        environment(place.project / "src", variables),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=[place.lock.fileno()],
    )
    if code:
        raise HuescapeError(f"`dvc repro` ended with {code}; its message is above")


def schedule(place: Workplace, jobs: int, on_gpu: bool) -> None:
    """Run Snakemake in the copy, up to the page, on `jobs` cores.

    What fails does not stop the other systems. On a CPU each training has one thread: side by side
    they are faster than one after the other with all. A GPU has one training at a time. Raises
    HuescapeError when a job fails.
    """
    variables = environment(place.project / "src")
    command = [sys.executable, "-m", "snakemake", "report", "--cores", str(jobs), "--keep-going"]
    if on_gpu:
        command += ["--resources", "device=1"]
    else:
        variables.setdefault(THREADS, "1")
        command += ["--max-threads", "1"]
    if exit_code(command, place.project, variables, pass_fds=[place.lock.fileno()]):
        raise HuescapeError("not every system is done; the same command goes on with the rest")


def restore(place: Workplace, name: str, scores: Sequence[str]) -> bool:
    """Bring back dvc.lock, the files `scores` and all outputs of the experiment `name`.

    DVC says afterwards what of it is stale. Returns whether it belongs to the commit that the copy
    is at; False where there is none.
    """
    pattern = f"refs/exps/*/*/{name}"
    command = ("for-each-ref", "--sort=-committerdate", "--format=%(refname)", "--count=1", pattern)
    found = git(place.project, *command).strip()
    if not found:
        return False
    for path in ("dvc.lock", *scores):
        if content := git(place.project, "show", f"{found}:./{path}", check=False):
            write_text(place.project / path, content)
    checkout(place.project)
    head = git(place.project, "rev-parse", "HEAD").strip()
    return found.split("/")[2:4] == [head[:2], head[2:]]


def save(place: Workplace, name: str, targets: Sequence[str], scores: Sequence[str]) -> None:
    """Keep the state of the copy as the experiment `name`, seen by `dvc exp show`.

    `targets` are the stages that were brought up to date: without them DVC would record all
    others as well, stale or not.
    """
    new = [f"--include-untracked={path}" for path in (*place.unknown(), *scores)]
    dvc(place.project, "exp", "save", "--force", "--name", name, *new, *targets)
    git(place.project, "update-ref", "-d", _EXPERIMENT_HEAD, check=False)  # DVC leaves it behind
