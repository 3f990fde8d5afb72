"""Work that would hold up the server, in a few threads, and a bound on who waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from huescape.serving.refusals import Refusal

T = TypeVar("T")


class Desk:
    """`threads` at work, and `places` for those who wait or are served.

    Args:
        seconds: that one piece of work takes, about: what a client who is turned away waits.
    """

    def __init__(self, threads: int, places: int, seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads)
        self._places, self._taken, self._seconds = places, 0, seconds
        self._lock, self._working = threading.Lock(), 0

    @property
    def busy(self) -> bool:
        """Whether a thread is at work."""
        return self._working > 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place, in the server's own thread; Refusal 503 where all are taken."""
        if self._taken >= self._places:
            raise Refusal(503, "others are being served; try again in a moment", self._seconds)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, from a thread; for those who hold a place."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._do, work)

    def close(self) -> None:
        """Begin nothing more; what is at work goes on."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._working += 1
        try:
            return work()
        finally:
            with self._lock:
                self._working -= 1
