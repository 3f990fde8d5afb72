"""Stop when the engine that started this process is gone, however it ended.

An engine that is killed (`kill -9`) leaves its stage running, and the next run of either engine
would find two processes writing the same outputs.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

_POLL_SECONDS = 1.0
_GRACE_SECONDS = 30.0
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})


def stop_without(present: Callable[[], bool]) -> None:
    """Watch from a thread; once `present` is false, ask this process to end, then end it."""
    threading.Thread(target=_watch, args=(present,), daemon=True).start()


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def parent_stays() -> Callable[[], bool]:
    """Whether the engine that started this process is still there: an orphan gets another parent.

    An engine starts its stages through a shell, and not every shell hands its process over to the
    command (dash does not): where the parent is a shell, the one above it is watched too.
    """
    links = _links()
    return lambda: all(_parent_of(child) == before for child, before in links)


def engine_pid() -> int:
    """The engine that started this process: its parent or, where that is a shell, the one above."""
    return _links()[-1][1]


def _links() -> list[tuple[int | None, int]]:
    """The processes from here (None) to the engine, each with its parent."""
    import psutil  # here, not above: a command that no engine started needs none of it

    links: list[tuple[int | None, int]] = [(None, os.getppid())]
    try:
        parent = psutil.Process(links[0][1])
        if parent.name().lstrip("-") in _SHELLS:
            links.append((parent.pid, parent.ppid()))
    except psutil.Error:  # it ended this moment, which the first link will tell
        pass
    return links


def _parent_of(pid: int | None) -> int | None:
    """The parent of a process, None for this one; None when it is gone."""
    if pid is None:
        return os.getppid()
    import psutil

    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return None


def _watch(present: Callable[[], bool]) -> None:
    while present():
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
