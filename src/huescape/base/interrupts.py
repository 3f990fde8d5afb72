"""Stop between two steps, not within one, when the user or a cluster asks to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from huescape.base.errors import HuescapeError

#: Exit code of a process of many that ends because another one did; that one says why.
LEFT_ALONE = 75


class Interrupted(HuescapeError):
    """The run was stopped from outside and can go on."""

    exit_code = 130


class StopRequest:
    """Becomes true when SIGINT or SIGTERM arrives."""

    def __init__(self) -> None:
        self._arrived = False

    def __bool__(self) -> bool:
        return self._arrived

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler; at the second signal the user no longer wants to wait."""
        if self._arrived:
            raise KeyboardInterrupt
        self._arrived = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM (in the main thread) and put the former handlers back after it."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    former = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
