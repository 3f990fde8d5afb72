"""The photos that a system colors best and worst, kept while all go by."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

from huescape.metrics.pictures import Picture


@dataclass(frozen=True, order=True)
class Extreme:
    """One photo, its score, and its pictures, by what they show."""

    score: float
    photo: str
    pictures: dict[str, Picture] = field(compare=False)


@dataclass
class Extremes:
    """Of all that were added the `count` of the lowest and of the highest score, in that order.

    Ties go by the id, so that no order of adding shows. Where there are fewer than twice as many
    photos, some are among both.
    """

    count: int
    worst: list[Extreme] = field(default_factory=list)
    best: list[Extreme] = field(default_factory=list)

    def add(self, one: Extreme) -> None:
        """Keep it for as long as it is among them."""
        insort(self.worst, one)
        del self.worst[self.count :]
        insort(self.best, one, key=lambda other: (-other.score, other.photo))
        del self.best[self.count :]
