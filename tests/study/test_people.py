"""Who counts: the rule, on simulated people."""

from __future__ import annotations

from dataclasses import replace

from huescape.study.people import counted, judged
from huescape.study.plan import Design
from tests.study.simulated import simulate

DESIGN = Design(0, 2, 60)


def test_those_who_miss_catch_trials_are_left_out() -> None:
    answers = simulate(DESIGN, 4, (0.3, 0.2), seed=1)
    missed = {0: 0, 1: 1, 2: 2, 3: 4}  # of four
    for session, count in missed.items():
        places = [k for k, a in enumerate(answers) if (a.session, a.kind) == (session, "catch")]
        for k in places[:count]:
            answers[k] = replace(answers[k], chosen=3 - answers[k].chosen)
    people = judged(answers)
    assert [(one.caught, one.catches) for one in people] == [(4, 4), (3, 4), (2, 4), (0, 4)]
    assert [one.why_not for one in people] == ["", "", *["missed catch trials"] * 2]
    assert {answer.session for answer in counted(answers)} == {0, 1}


def test_those_who_have_not_finished_are_left_out() -> None:
    answers = simulate(DESIGN, 2, (0.3, 0.2), seed=1)[:-1]
    assert [(one.answered, one.trials) for one in judged(answers)] == [(50, 50), (49, 50)]
    assert judged(answers)[1].why_not == "not finished"
    assert {answer.session for answer in counted(answers)} == {0}


def test_what_counts_is_seen_once_and_of_a_system() -> None:
    answers = simulate(DESIGN, 1, (0.3, 0.2), seed=1)
    places = [k for k, answer in enumerate(answers) if answer.kind == "test"]
    answers[places[0]] = replace(answers[places[0]], looks=2)
    found = counted(answers)
    assert len(found) == 35
    assert {answer.kind for answer in found} == {"test"}


def test_without_catch_trials_whoever_finishes_counts() -> None:
    answers = simulate(Design(0, 1, 20, 0, 10, 0), 3, (0.5,), seed=1)
    assert [one.why_not for one in judged(answers)] == [""] * 3


def test_habits_are_told() -> None:
    answers = [replace(one, chosen=1) for one in simulate(DESIGN, 1, (0.3, 0.2), seed=1)]
    (person,) = judged(answers)
    assert person.first_chosen == 1
    assert person.reaction_ms is not None
    assert 300 <= person.reaction_ms <= 3000
    (beginner,) = judged(answers[:3])
    assert beginner.first_chosen is beginner.reaction_ms is None
