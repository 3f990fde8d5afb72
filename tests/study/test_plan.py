"""Laws of the plan of a study, on designs of any size."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.errors import ParamsError
from huescape.study.plan import Design, Trial, shuffled

# Of design 7, session 3, as its first version had it: kind, photo, system, colored first.
SAID = [
    ("p", 10, 1, False),
    ("c", 8, None, True),
    ("t", 4, 0, True),
    ("t", 9, 1, False),
    ("t", 3, 1, True),
    ("t", 0, 0, False),
    ("t", 5, 0, False),
]


@st.composite
def designs(draw: st.DrawFn) -> Design:
    trials = draw(st.integers(1, 14))
    catch = draw(st.integers(0, min(3, trials - 1)))
    practice = draw(st.integers(0, 5))
    photos = practice + trials + draw(st.integers(0, 40))
    seed = draw(st.integers(0, 2**32))
    return Design(seed, draw(st.integers(1, 5)), photos, practice, trials, catch)


def of_systems(design: Design, number: int) -> list[Trial]:
    return [trial for trial in design.session(number) if trial.kind == "test"]


def spread(found: Iterable[object], of: Sequence[object]) -> int:
    """By how much the most frequent of all that there could be is more frequent than the least."""
    counts = Counter(found)
    assert set(counts) <= set(of)
    times = [counts[one] for one in of]
    return max(times) - min(times)


@given(designs(), st.integers(0, 1000))
def test_no_photo_comes_twice_in_a_session(design: Design, number: int) -> None:
    photos = [trial.photo for trial in design.session(number)]
    assert len(set(photos)) == len(photos) == design.practice + design.trials
    assert set(photos) <= set(range(design.photos))


@given(designs(), st.integers(0, 1000))
def test_a_session_has_its_parts(design: Design, number: int) -> None:
    trials = design.session(number)
    kinds = [trial.kind for trial in trials]
    assert kinds[: design.practice] == ["practice"] * design.practice
    assert "practice" not in kinds[design.practice :]
    assert kinds.count("catch") == design.catch
    assert all((trial.system is None) == (trial.kind == "catch") for trial in trials)
    counted = kinds[design.practice :]
    edges = [design.trials * k // design.catch for k in range(design.catch + 1) if design.catch]
    parts = [counted[a:b].count("catch") for a, b in itertools.pairwise(edges)]
    assert parts == [1] * design.catch


@given(designs(), st.integers(0, 1000))
def test_a_session_is_balanced(design: Design, number: int) -> None:
    trials, systems = of_systems(design, number), range(design.systems)
    pairs = [(system, first) for system in systems for first in (False, True)]
    assert spread([(trial.system, trial.fake_first) for trial in trials], pairs) <= 1
    assert spread([trial.system for trial in trials], systems) <= 1
    assert spread([trial.fake_first for trial in trials], (False, True)) <= 2
    whole = len(trials) // design.systems * design.systems
    for start in range(0, whole, design.systems):
        stretch = [trial.system for trial in trials[start : start + design.systems]]
        assert sorted(stretch) == [*systems]


@settings(max_examples=40)
@given(designs(), st.integers(1, 60))
def test_photos_meet_systems_and_orders_equally_often(design: Design, sessions: int) -> None:
    met: dict[int, list[Trial]] = {photo: [] for photo in design.test_photos}
    for number in range(sessions):
        for trial in of_systems(design, number):
            met[trial.photo].append(trial)
    systems = range(design.systems)
    pairs = [(system, first) for system in systems for first in (False, True)]
    for trials in met.values():
        assert spread([trial.system for trial in trials], systems) <= 1
        assert spread([trial.fake_first for trial in trials], (False, True)) <= 1
        assert spread([(trial.system, trial.fake_first) for trial in trials], pairs) <= 1
    times = [len(trials) for trials in met.values()]
    assert max(times) - min(times) <= 1


@settings(max_examples=40)
@given(designs(), st.integers(0, 20))
def test_systems_take_turns_at_each_place(design: Design, group: int) -> None:
    """Whoever comes first while a person is fresh, is last in another session."""
    numbers = range(group * design.systems, (group + 1) * design.systems)
    whole = design.block // design.systems * design.systems
    sessions = [
        [trial.system for trial in of_systems(design, number)][:whole] for number in numbers
    ]
    for place in zip(*sessions, strict=True):
        assert sorted(place) == [*range(design.systems)]


@given(designs(), st.integers(0, 50))
def test_practice_and_catches_are_balanced(design: Design, number: int) -> None:
    trials = design.session(number)
    practice = [trial for trial in trials if trial.kind == "practice"]
    assert spread([trial.system for trial in practice], range(design.systems)) <= 1
    assert spread([trial.fake_first for trial in practice], (False, True)) <= 2
    caught = [trial.fake_first for trial in trials if trial.kind == "catch"]
    assert spread(caught, (False, True)) <= 1


@given(designs(), st.integers(0, 1000))
def test_a_plan_is_its_seed_and_number(design: Design, number: int) -> None:
    again = Design(*(getattr(design, name) for name in Design.__dataclass_fields__))
    assert again.session(number) == design.session(number)


def test_a_plan_is_the_same_for_ever() -> None:
    """Sessions that were begun with an older version go on with this one."""
    found = Design(7, 2, 12, 1, 6, 1).session(3)
    said = [(t.kind[0], t.photo, t.system, t.fake_first) for t in found]
    assert said == SAID


def test_other_seeds_and_numbers_are_other_plans() -> None:
    sessions = [Design(seed, 3, 60).session(number) for seed in range(3) for number in range(6)]
    orders = {tuple(trial.photo for trial in session) for session in sessions}
    assert len(orders) == len(sessions)


def test_the_usual_session_is_that_of_the_paper() -> None:
    design = Design(0, 3, 60)
    kinds = Counter(trial.kind for trial in design.session(0))
    assert kinds == {"practice": 10, "catch": 4, "test": 36}


def test_a_donor_is_another_photo() -> None:
    design = Design(0, 1, 20, 2, 10, 3)
    for photo in range(20):
        donors = design.donor(photo, 5)
        assert len(set(donors)) == 5
        assert photo not in donors
    assert len(design.donor(0, 100)) == 19


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"systems": 0}, "no system to study"),
        ({"practice": -1}, "--practice is -1; allowed: at least 0"),
        ({"trials": 0}, "--trials is 0; allowed: at least 1"),
        ({"catch": 40}, "--catch is 40; allowed: 0 to 39"),
        ({"catch": -1}, "--catch is -1; allowed: 0 to 39"),
        ({"photos": 49}, "49 photos can be shown, and a session shows 50, each once; allowed: "),
    ],
)
def test_what_makes_no_session_is_said(values: dict[str, int], words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        Design(**({"seed": 0, "systems": 2, "photos": 60} | values)).check()


@given(st.lists(st.integers(), max_size=30), st.integers())
def test_shuffled_loses_nothing(items: list[int], key: int) -> None:
    assert sorted(shuffled(items, key)) == sorted(items)
    assert shuffled(items, key) == shuffled(items, key)
