"""The times at which frames are shown, as a film has them and as an encoder takes them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Stamp:
    """When a frame is shown and for how long, in units of the stream's time base."""

    at: int
    duration: int


class Clock:
    """Stamps that rise from frame to frame: an encoder takes no others.

    Attributes:
        mended: how many frames had no time of their own, or none after that of the frame before.
    """

    def __init__(self, source: Fraction, target: Fraction, rate: Fraction | None) -> None:
        """From the time base `source` to `target`, in seconds; `rate` frames a second, if known."""
        self.mended = 0
        self._scale = source / target
        self._usual = max(1, round(1 / (rate * target))) if rate else 1
        self._last: Stamp | None = None

    def stamp(self, at: int | None, duration: int | None) -> Stamp:
        """What the next frame gets, given what the film says of it; None, of a duration 0, too."""
        length = round((duration or 0) * self._scale)
        length = length if length > 0 else self._usual
        now = None if at is None else round(at * self._scale)
        if self._last is None:
            now = 0 if now is None else now
        elif now is None or now <= self._last.at:
            self.mended += 1
            now = self._last.at + (self._last.duration if now is None else 1)
        self._last = Stamp(now, length)
        return self._last
