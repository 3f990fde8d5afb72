"""A process beside `dvc repro` that mends dvc.lock where the engine is killed while it writes it.

`dvc repro` reads dvc.lock before it runs anything of this project, so nothing else could help the
next one. The first stage that DVC starts starts it, one for each engine. It is nobody's child,
works in no folder, keeps a copy of every whole dvc.lock, and ends when the engine does. Where the
engine left its last stage unrecorded it stays for ten minutes, one for a project: DVC takes such a
stage from its run cache next time, and would write dvc.lock with nothing of ours beside it.

Usage: python -m huescape.engines.lockwatch PROJECT PID
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from huescape.base.exclusive import take
from huescape.base.orphans import alive
from huescape.engines import lockfile

_TICK_SECONDS = 0.5
_POLL_SECONDS = 0.1
_STAY_SECONDS = 600.0


def start(engine: int, root: Path = Path()) -> None:
    """See to it that the engine with this process id has a watcher."""
    root = root.resolve()
    if not (root / lockfile.TEMPORARY).is_dir():
        return
    with suppress(OSError):  # a folder that cannot be written to: the engine cannot write either
        claim = take(_claim_path(root, engine))
        os.utime(_claim_path(root, engine))  # when the last stage began
        if claim is not None:  # and is free again at once, for the watcher
            claim.close()
            _detach([sys.executable, "-m", "huescape.engines.lockwatch", str(root), str(engine)])


def release(engine: int, root: Path = Path()) -> None:
    """Say that the stage failed: it is in no run cache, so nothing need be watched for it."""
    with suppress(OSError):
        os.utime(_claim_path(root, engine), (0, 0))


def main(argv: list[str]) -> int:
    """Watch one engine; returns when it is gone, dvc.lock is whole and no more need be watched."""
    root, engine = Path(argv[0]), int(argv[1])
    gone = _end_of(engine)
    claim = take(_claim_path(root, engine))
    if claim is None:
        return 0
    with claim:
        seen = None
        # An engine that was killed before its stage looked for it has left the stage to process 1.
        while engine != 1 and not gone(_TICK_SECONDS) and (root / lockfile.TEMPORARY).is_dir():
            seen = _keep(root, seen)
        if not (root / lockfile.TEMPORARY).is_dir():  # of a temporary experiment: it is removed
            return 0
        with lockfile.project_lock(root):
            said = lockfile.mend_locked(root)
            lockfile.leave_notice(root, said)
        unrecorded = bool(said) or _is_unrecorded(root, engine)
        _claim_path(root, engine).unlink(missing_ok=True)
    if unrecorded:
        _stay(root)
    return 0


def _is_unrecorded(root: Path, engine: int) -> bool:
    """Whether the last stage that the engine began is not in dvc.lock, which DVC wrote before."""
    try:
        written = (root / lockfile.LOCK).stat().st_mtime_ns
        return _claim_path(root, engine).stat().st_mtime_ns > written
    except OSError:
        return True


def _stay(root: Path) -> None:
    """Keep and mend for some minutes more, unless another one does."""
    place = take(root / lockfile.TEMPORARY / "huescape-watch")
    if place is None:
        return
    with place:
        seen, until = None, time.monotonic() + _STAY_SECONDS
        while time.monotonic() < until and (root / lockfile.TEMPORARY).is_dir():
            time.sleep(_TICK_SECONDS)
            found = _keep(root, seen)
            cut = found != seen and lockfile.is_cut(root)
            if not cut:
                seen = found
            if cut or lockfile.has_broken_list(root):  # DVC is writing, or was killed while it did
                lockfile.leave_notice(root, lockfile.mend(root))


def _keep(root: Path, seen: tuple[int, int] | None) -> tuple[int, int] | None:
    """Copy dvc.lock if it changed since `seen` (size, time) and DVC is not in the middle of it."""
    try:
        status = (root / lockfile.LOCK).stat()
    except OSError:
        return None
    found = status.st_size, status.st_mtime_ns
    if found != seen:
        lockfile.keep_whole(root)
    return found


def _claim_path(root: Path, engine: int) -> Path:
    return root / lockfile.TEMPORARY / f"huescape-watch.{engine}"


def _end_of(pid: int) -> Callable[[float], bool]:
    """A function that waits some seconds at most and says whether the process has ended."""
    if not hasattr(os, "pidfd_open"):
        return lambda seconds: _poll(pid, seconds)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return lambda seconds: True
    except OSError:  # a kernel that lacks it, or forbids it
        return lambda seconds: _poll(pid, seconds)
    return lambda seconds: bool(select.select([descriptor], [], [], seconds)[0])


def _poll(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _detach(command: list[str]) -> None:
    """Start a command that is no child of this process, in a session of its own, in no folder."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = os.fork()
    if child == 0:
        try:
            subprocess.Popen(
                command,
                cwd="/",
                env=variables,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
