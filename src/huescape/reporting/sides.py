"""The two sides of a comparison: their scores by seed, and on resampled photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics import bootstrap
from huescape.reporting.groups import Group, seed_of
from huescape.reporting.inputs import SystemResult
from huescape.reporting.intervals import (
    Difference,
    Estimate,
    Resampled,
    difference,
    estimate,
    seeds_compared,
)
from huescape.reporting.wording import number

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Side:
    """A group by one of its decodings, or a baseline of its photos.

    `prediction` is the name of either; "" is the decoding of the headline scores.
    """

    group: Group
    prediction: str = ""

    @property
    def label(self) -> str:
        """What a system is called in a table."""
        name = self.group.name
        return f"{name}, {self.prediction}" if self.prediction else name

    @property
    def effective(self) -> float:
        """Effective pixels, the fewest of any member."""
        return min(float(member.scores["effective_pixels"]) for member in self.group.members)

    @property
    def seeds(self) -> Sequence[int]:
        """Of the group."""
        return self.group.seeds

    @property
    def steps(self) -> int:
        """Training steps."""
        return int(self.group.members[0].model["steps"])

    def shows(self, other: Side) -> bool:
        """Whether both are scores of the same photos, pixel by pixel."""
        return self.group.members[0].photos.shows(other.group.members[0].photos)

    def values(self, score: str) -> dict[int, float]:
        """The score by seed; seeds without it are left out."""
        at, group = self.prediction, self.group
        scores = group.scores_of(at) if at else group.scores()
        found = ((seed, number(one.get(score))) for seed, one in scores.items())
        return {seed: value for seed, value in found if value is not None}

    def mean(self, score: str) -> float | None:
        """The score over the seeds that have it; None where none has."""
        values = self.values(score).values()
        return sum(values) / len(values) if values else None


class Comparisons:
    """Scores of sides, and differences of sides; each prediction is resampled once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, npt.NDArray[np.float64]]] = {}

    def resample(self, sides: Sequence[Side]) -> None:
        """What will be asked for, in one pass over the resamplings; any order of calls will do."""
        self._resample(*((side, side.seeds) for side in sides))

    def estimate(self, side: Side, score: str) -> Estimate | None:
        """A score, with its interval over seeds and photos."""
        values = side.values(score)
        self._resample((side, [*values]))
        mean_R = self._mean(side, [*values], score)
        return estimate(values.values(), self._photos(side, mean_R))

    def difference(
        self,
        one: Side,
        two: Side,
        score: str,
        confidence: float = bootstrap.CONFIDENCE,
        target: Side | None = None,
    ) -> Difference | None:
        """Of a score, with its interval over seeds and photos.

        With a target it is that of their distances from the target's score, which has one seed or
        is the same in all.
        """
        first, second = one.values(score), two.values(score)
        seeds = seeds_compared(first.keys(), second.keys())
        self._resample((one, seeds[0]), (two, seeds[1]))
        means = [self._mean(s, own, score) for s, own in zip((one, two), seeds, strict=True)]
        if target is not None:
            true = next(iter(target.values(score).values()))
            first, second = ({k: abs(v - true) for k, v in x.items()} for x in (first, second))
            self._resample((target, target.seeds[:1]))
            true_R = self._mean(target, target.seeds[:1], score)
            means = [
                None if mean_R is None or true_R is None else np.abs(mean_R - true_R)
                for mean_R in means
            ]
        between_R = None if means[0] is None or means[1] is None else means[0] - means[1]
        return difference(first, second, self._photos(one, between_R), confidence)

    def _photos(self, side: Side, values_R: FloatArray | None) -> Resampled | None:
        """None where nothing is known of other photos: of a score without sums, of one photo."""
        count = len(side.group.members[0].photos.ids_N)
        if values_R is None or count < 2 or not np.isfinite(values_R).any():
            return None
        return Resampled(values_R, count)

    def _resample(self, *sides: tuple[Side, Sequence[int]]) -> None:
        """What is not known of them yet, in one pass over the resamplings."""
        wanted = {
            _key(member, side.prediction): member.photos
            for side, seeds in sides
            for member in _members(side, seeds)
        }
        new = [key for key in wanted if key not in self._known]
        found = bootstrap.resampled([(wanted[key], key[1]) for key in new])
        self._known |= dict(zip(new, found, strict=True))

    def _mean(self, side: Side, seeds: Sequence[int], score: str) -> FloatArray | None:
        """Over the seeds; None for a score that is not kept photo by photo."""
        keys = [_key(member, side.prediction) for member in _members(side, seeds)]
        found = [self._known[key].get(score) for key in keys]
        known = [values_R for values_R in found if values_R is not None]
        return np.asarray(np.mean(known, axis=0)) if known else None


def _members(side: Side, seeds: Sequence[int]) -> list[SystemResult]:
    return [member for member in side.group.members if seed_of(member) in seeds]


def _key(member: SystemResult, prediction: str) -> tuple[str, str]:
    return member.name, prediction or member.scores["decode"]
