"""Who of those that took part is counted: a rule that was set before anybody took part."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from huescape.study.store import Answer

#: Of the catch trials, the share in which a person has to see which photo has wrong colors.
LEAST_CAUGHT = 0.75


@dataclass(frozen=True)
class Person:
    """One session, as it is judged.

    Attributes:
        session: its number.
        answered, trials: how many trials are answered, of how many; practice among them.
        caught, catches: catch trials in which the photo with wrong colors was found, of those
            that were answered.
        first_chosen: share of trials after practice in which the first photo was said to be
            colored; half of them is right. None without such a trial.
        reaction_ms: the median of the same trials.
    """

    session: int
    answered: int
    trials: int
    caught: int
    catches: int
    first_chosen: float | None
    reaction_ms: float | None

    @property
    def why_not(self) -> str:
        """Why the person is not counted; empty for one who is."""
        if self.answered < self.trials:
            return "not finished"
        if self.caught < LEAST_CAUGHT * self.catches:
            return "missed catch trials"
        return ""


def judged(answers: Sequence[Answer]) -> list[Person]:
    """The people of a study by session; those who answered nothing at all are not among them."""
    by_session = attrgetter("session")
    groups = groupby(sorted(answers, key=by_session), by_session)
    return [_judged(session, list(found)) for session, found in groups]


def counted(answers: Sequence[Answer]) -> list[Answer]:
    """What is said of systems by those who count, at first sight.

    Practice and catch trials are left out, and pairs that somebody has begun more than once: a page
    that is loaded again shows them again.
    """
    kept = {person.session for person in judged(answers) if not person.why_not}
    return [
        answer
        for answer in answers
        if answer.kind == "test" and answer.session in kept and answer.looks == 1
    ]


def _judged(session: int, answers: Sequence[Answer]) -> Person:
    later = [answer for answer in answers if answer.kind != "practice"]
    catches = [answer for answer in later if answer.kind == "catch"]
    return Person(
        session,
        len(answers),
        answers[0].trials,
        sum(not answer.is_fooled for answer in catches),
        len(catches),
        statistics.fmean(answer.chosen == 1 for answer in later) if later else None,
        statistics.median(answer.reaction_ms for answer in later) if later else None,
    )
