"""How long a download may take, and how slow it may be."""

from __future__ import annotations

import time
from dataclasses import dataclass

from huescape.sources.web import LostError


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    tries: in a row without progress. pause: seconds between them, doubled each time. timeout:
    seconds of silence that count as a lost connection. min_rate: bytes a second; a connection that
    is slower over `timeout` seconds is lost, and one that was slower made no progress. max_hours:
    for the whole download. longest_wait: seconds that a server may ask to wait.
    """

    tries: int = 5
    pause: float = 2.0
    timeout: float = 60.0
    min_rate: float = 1000.0
    max_hours: float = 168.0
    longest_wait: float = 3600.0


class Pace:
    """How fast bytes come, over one stretch of time after the other, and how long it takes."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._end = time.monotonic() + 3600 * patience.max_hours
        self.start()

    def start(self) -> None:
        """A new connection begins."""
        self._since, self._bytes = time.monotonic(), 0

    @property
    def over(self) -> str | None:
        """That the whole download takes too long, in words."""
        done = time.monotonic() >= self._end
        return f"not done after {self._patience.max_hours:g} h (`max_hours`)" if done else None

    def count(self, size: int) -> None:
        """Take note of bytes that came; raises LostError if they are too few."""
        self._bytes += size
        seconds, limit = time.monotonic() - self._since, self._patience.min_rate
        if seconds < self._patience.timeout:
            return
        if self._bytes < limit * seconds:
            rate = self._bytes / seconds
            raise LostError(f"only {rate:.0f} bytes/s came (`min_rate` is {limit:g})")
        self.start()
