"""How often people are fooled, by system and by photo, with 95 % intervals.

A share is subject to two kinds of chance: other people and other photos, which are crossed, for
every person sees many photos and every photo is seen by many people. The variance is that of the
bootstrap over people plus that of the bootstrap over photos, minus that of single trials, which is
in both (Cameron, Gelbach & Miller 2011, of two-way clusters), and at least the larger of the two.
To resample people and photos at once would count the trials' own chance thrice (Owen 2007, The
pigeonhole bootstrap); of answers of yes and no that chance is most of it.

The interval of a share is Wilson's (1927), with as many trials as would vary so much alone: the
effective sample size of surveys (Korn & Graubard 1998). So it stays within 0 to 1, and has a width
where nobody was fooled. The quantile is Student's, by the smaller number of people and photos.

Shape suffixes: N trials, G people or photos, R resamplings, K systems.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from huescape.metrics.bootstrap import CONFIDENCE, RESAMPLES, draws
from huescape.study.store import Answer

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """Of some trials, how many fooled people.

    `share` is `fooled` of `trials`; `low` to `high` is its interval, None where there are too few
    people or photos to tell. `people` and `photos` are how many there are in these trials.
    """

    trials: int
    people: int
    photos: int
    fooled: int
    low: float | None
    high: float | None

    @property
    def share(self) -> float:
        """0 to 1; a half where nobody can tell."""
        return self.fooled / self.trials


@dataclass(frozen=True)
class Difference:
    """The share of one system minus that of another, with its interval, None where unknown."""

    value: float
    low: float | None
    high: float | None


class Study:
    """The trials that count, and what resampling says of them."""

    def __init__(self, answers: Sequence[Answer], resamples: int = RESAMPLES) -> None:
        """`answers` are of the kind `test` alone: what `people.counted` leaves."""
        self._answers = answers
        self.systems = sorted({answer.system for answer in answers})
        self._people = _groups([answer.session for answer in answers])
        self._photos = _groups([answer.photo for answer in answers])
        self._system_N = np.array([self.systems.index(one.system) for one in answers], np.int64)
        self._fooled_N = np.array([answer.is_fooled for answer in answers], bool)
        self._shares = [self._resampled(group, resamples) for group in (self._people, self._photos)]

    def of_system(self, system: str) -> Share:
        """The share of a system, over people and photos."""
        k = self.systems.index(system)
        found = [one for one in self._answers if one.system == system]
        fooled, people, photos = _counts(found)
        variances = [_variance(shares_RK[:, k]) for shares_RK in self._shares]
        own = _own_variance(fooled, len(found))
        error = _together(variances, own, min(people, photos))
        low, high = (None, None) if error is None else _wilson(fooled, len(found), *error)
        return Share(len(found), people, photos, fooled, low, high)

    def differences(self) -> dict[tuple[str, str], Difference]:
        """Of every two systems; both share their people and photos in every resampling."""
        found = {}
        for pair in combinations(self.systems, 2):
            j, k = map(self.systems.index, pair)
            sides = [self.of_system(system) for system in pair]
            variances = [_variance(both_RK[:, j] - both_RK[:, k]) for both_RK in self._shares]
            own = sum(_own_variance(side.fooled, side.trials) for side in sides)
            smaller = min(min(side.people, side.photos) for side in sides)
            value = sides[0].share - sides[1].share
            error = _together(variances, own, smaller)
            half = None if error is None else error[1] * math.sqrt(error[0])
            ends = (None, None) if half is None else (value - half, value + half)
            found[pair] = Difference(value, *ends)
        return found

    def of_photos(self) -> dict[tuple[str, str], Share]:
        """Of every photo and system, over people alone: the photo is this one."""
        found: dict[tuple[str, str], list[Answer]] = {}
        for answer in self._answers:
            found.setdefault((answer.photo, answer.system), []).append(answer)
        return {key: _of_photo(found[key]) for key in sorted(found)}

    def _resampled(self, group_N: npt.NDArray[np.int64], resamples: int) -> FloatArray:
        """The share of each system with other people, or other photos, (R, K)."""
        groups, systems = int(group_N.max(initial=-1)) + 1, len(self.systems)
        seen_GK, fooled_GK = np.zeros((groups, systems)), np.zeros((groups, systems))
        np.add.at(seen_GK, (group_N, self._system_N), 1.0)
        np.add.at(fooled_GK, (group_N, self._system_N), self._fooled_N.astype(np.float64))
        if not groups:
            return np.empty((0, systems))
        with np.errstate(invalid="ignore"):  # a system that none of those drawn has seen
            blocks = [
                (times_RG @ fooled_GK) / (times_RG @ seen_GK)
                for times_RG in draws(groups, resamples)
            ]
        # Of G, a resampling finds only G - 1 parts.
        mean_K = fooled_GK.sum(axis=0) / seen_GK.sum(axis=0)
        larger = math.sqrt(groups / max(1, groups - 1))
        spread_RK: FloatArray = mean_K + (np.concatenate(blocks) - mean_K) * larger
        return spread_RK


def _groups(values: Sequence[object]) -> npt.NDArray[np.int64]:
    """Equal values get equal numbers, from 0."""
    numbers = {value: k for k, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers[value] for value in values], np.int64)


def _counts(answers: Sequence[Answer]) -> tuple[int, int, int]:
    """How many fooled, people and photos."""
    people, photos = {one.session for one in answers}, {one.photo for one in answers}
    return sum(one.is_fooled for one in answers), len(people), len(photos)


def _variance(values_R: FloatArray) -> float:
    known_R = values_R[np.isfinite(values_R)]
    return float(known_R.var()) if known_R.size else 0.0


def _own_variance(fooled: int, trials: int) -> float:
    """That of a share when every trial is drawn on its own."""
    share = fooled / trials
    return share * (1 - share) / trials


def _together(variances: Sequence[float], own: float, count: int) -> tuple[float, float] | None:
    """The variance over people and photos, and how many deviations half of the interval has."""
    if count < 2:
        return None
    variance = max(sum(variances) - own, *variances)
    return variance, float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))


def _wilson(fooled: int, trials: int, variance: float, deviations: float) -> tuple[float, float]:
    share = fooled / trials
    alone = share * (1 - share)
    effective = min(trials, alone / variance) if variance > 0 and alone > 0 else trials
    square = deviations**2 / effective
    center, scale = share + square / 2, 1 + square
    half = math.sqrt(square * alone + square**2 / 4)
    return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)


def _of_photo(answers: Sequence[Answer]) -> Share:
    """People are the trials here: nobody sees a photo twice."""
    fooled, people, photos = _counts(answers)
    error = _together([_own_variance(fooled, people)], 0.0, people)
    low, high = (None, None) if error is None else _wilson(fooled, people, *error)
    return Share(len(answers), people, photos, fooled, low, high)
