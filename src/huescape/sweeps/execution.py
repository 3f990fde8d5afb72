"""One point: DVC brings the copy of the project up to date, and keeps it as an experiment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from huescape.base.atomic import write_text
from huescape.base.children import exit_code
from huescape.base.errors import HuescapeError
from huescape.sweeps.workplace import Workplace, dvc

_EXPERIMENT_HEAD = "refs/exps/exec/EXEC_HEAD"


def reproduce(
    place: Workplace, targets: tuple[str, ...], variables: Mapping[str, str], lock: int
) -> None:
    """Run `dvc repro` in the sweep's place; what it prints goes to standard error.

    Raises HuescapeError when a stage fails.
    """
    command = [sys.executable, "-m", "dvc", "repro", *targets]
    code = exit_code(
        command,
        place.project,
        place.environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno() if _has_fileno() else subprocess.DEVNULL,
        pass_fds=[lock],
    )
    if code:
        raise HuescapeError(f"`dvc repro` ended with {code}; its message is above")


def save_experiment(place: Workplace, name: str) -> None:
    """Keep the state of the copy as the DVC experiment `name`, seen by `dvc exp show`."""
    new = [f"--include-untracked={path}" for path in place.unknown()]
    dvc(place.project, "exp", "save", "--force", "--name", name, *new)
    # DVC leaves this one behind in a worktree.
    command = ["git", "update-ref", "-d", _EXPERIMENT_HEAD]
    subprocess.run(command, cwd=place.project, capture_output=True, check=False)


def write_params(place: Workplace, text: str) -> None:
    """Give the copy the parameters of a point."""
    path = Path(place.project, "params.yaml")
    if path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _has_fileno() -> bool:
    try:
        sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True
