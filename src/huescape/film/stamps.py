"""The times at which frames are shown, as a film has them and as an encoder takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Stamp:
    """When a frame is shown and for how long, in units of the time base it is stored with."""

    at: int
    duration: int


class Clock:
    """Stamps that rise from frame to frame: an encoder takes no others.

    Attributes:
        mended: how many frames had no time of their own, or none after that of the frame before.
    """

    def __init__(
        self,
        source: Fraction,
        target: Fraction,
        rate: Fraction | None = None,
        end: int | None = None,
    ) -> None:
        """Begin.

        Args:
            source, target: the time bases from which and to which, seconds.
            rate: frames a second on average, if known.
            end: when the last frame ends, in `source`, if known.
        """
        self.mended = 0
        self._scale = source / target
        self._usual = max(1, _nearest(1 / (rate * target))) if rate else 1
        self._end = None if end is None else self._scaled(end)
        self._last: int | None = None

    def stamped(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Stamp, VideoFrame]]:
        """Every frame with its stamp; it is shown until the next one is."""
        waiting: tuple[int, VideoFrame] | None = None
        for frame in frames:
            at = self._at(frame.pts)
            if waiting is not None:
                yield Stamp(waiting[0], at - waiting[0]), waiting[1]
            waiting = at, frame
        if waiting is not None:
            at, frame = waiting
            length = self._end - at if self._end is not None else self._scaled(frame.duration or 0)
            yield Stamp(at, length if length > 0 else self._usual), frame

    def _at(self, told: int | None) -> int:
        at = None if told is None else self._scaled(told)
        if self._last is None:
            at = 0 if at is None else at
        elif at is None or at <= self._last:
            self.mended += 1
            at = self._last + (self._usual if at is None else 1)
        self._last = at
        return at

    def _scaled(self, told: int) -> int:
        return _nearest(told * self._scale)


def _nearest(x: Fraction) -> int:
    """Halves up: of halves to the even one, every second would meet the one before it."""
    return math.floor(x + Fraction(1, 2))
