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
    """Whether the parent is still the one of now: an orphan gets another."""
    parent = os.getppid()
    return lambda: os.getppid() == parent


def _watch(present: Callable[[], bool]) -> None:
    while present():
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
