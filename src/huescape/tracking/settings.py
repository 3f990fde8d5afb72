"""Where runs go: from the environment, for this project and whoever works for it elsewhere."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huescape.base.atomic import write_text
from huescape.base.exclusive import take
from huescape.base.runtime import TRACKING, project_dir, state_dir
from huescape.tracking.notices import warn

DEFAULT_URI = "sqlite:///mlflow.db"  # what a bare `mlflow ui` shows, artifacts in mlruns/
_OFF, _ON = ("off", "0", "false", "no"), ("on", "1", "true", "yes", "")


def wanted() -> bool:
    """Whether to track; says so once where that was meant and cannot be."""
    chosen = os.environ.get(TRACKING, "on").lower()
    if chosen in _OFF:
        return False
    if chosen not in _ON:
        warn(f"environment variable {TRACKING} is {chosen!r}, taken as on; allowed: on, off")
    if not installed():
        warn("mlflow is not installed: this run is not tracked")
        return False
    return True


def installed() -> bool:
    """Whether mlflow is there, without importing it."""
    return importlib.util.find_spec("mlflow") is not None


def experiment() -> str:
    """Name of the experiment that all runs belong to."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or "huescape"


def tracking_uri() -> str:
    """Where runs go: MLFLOW_TRACKING_URI, or an SQLite file in the project's folder."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    project = project_dir()
    return uri if project == Path() else found_from(project, uri)


def absolute_uri(folder: Path) -> str:
    """`tracking_uri` for a process that works elsewhere: an SQLite file is found from `folder`."""
    return found_from(folder, tracking_uri())


def found_from(folder: Path, uri: str) -> str:
    """The address with the path of an SQLite file made absolute."""
    kind, slashes, path = uri.partition(":///")
    if not slashes or not kind.startswith("sqlite"):
        return uri
    return f"{kind}:///{folder.resolve() / path}"


def state() -> Path:
    """Folder of what tracking keeps; in the project, also for an experiment in a copy of it."""
    return project_dir() / state_dir() / "tracking"


@contextmanager
def alone(folder: Path, name: str = ".lock", seconds: float = 60.0) -> Iterator[None]:
    """Keep other processes out of what goes by this name in `folder`.

    Raises BlockingIOError after so many seconds (a new SQLite file takes ten), or OSError.
    """
    stream = take(folder / name, seconds)
    if stream is None:
        raise BlockingIOError(f"{folder / name} is held by another process")
    with stream:
        try:
            yield
        finally:  # forked workers share the lock: closing the file alone would leave it to them
            fcntl.flock(stream, fcntl.LOCK_UN)


def tree() -> str:
    """What tells this working copy from all others, a copy of it included. Raises OSError."""
    path, here = state() / "tree", str(project_dir().resolve())
    known = path.read_text(errors="replace").splitlines() if path.exists() else []
    if len(known) != 2 or known[1] != here:
        known = [uuid.uuid4().hex, here]
        write_text(path, "\n".join(known))
    return known[0]
