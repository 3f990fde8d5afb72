"""What a sample is made of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.landscapes.plan import DEFECTS, SMALLEST, file_name, plan, planned, summary
from huescape.landscapes.render import CATEGORIES, NOT_LANDSCAPE
from huescape.sources.categories import sun_tier


@given(st.integers(1, 3000))
def test_plan_holds_what_is_planned(photos: int) -> None:
    shots, counts = plan(photos), planned(photos)
    assert sum(counts.values()) == photos == len(shots)
    assert summary(shots) == {kind: count for kind, count in counts.items() if count}
    assert [shot.index for shot in shots] == list(range(photos))


@given(st.integers(SMALLEST, 3000))
def test_every_defect_is_there_and_most_photos_are_good(photos: int) -> None:
    counts = planned(photos)
    assert all(counts[kind] >= 1 for kind in DEFECTS)
    assert counts["good"] > photos / 2


@given(st.integers(SMALLEST, 2000))
def test_copies_show_different_earlier_good_scenes(photos: int) -> None:
    shots = plan(photos)
    copies = [shot for shot in shots if shot.scene != shot.index]
    assert {shot.kind for shot in copies} == {"duplicate", "near_duplicate"}
    assert len({shot.scene for shot in copies}) == len(copies)
    for shot in copies:
        assert shots[shot.scene].kind == "good"
        assert shots[shot.scene].category == shot.category


def test_the_default_size_is_documented() -> None:
    assert planned(240) == {
        "good": 215,
        "duplicate": 4,
        "near_duplicate": 4,
        "gray": 4,
        "gray_mode": 1,
        "truncated": 2,
        "too_small": 2,
        "not_landscape": 6,
        "rotated": 1,
        "cmyk": 1,
    }
    assert planned(5)["good"] == 5


def test_categories_are_those_of_sun397() -> None:
    assert all(sun_tier(name) == "core" for name in CATEGORIES)
    assert sun_tier(NOT_LANDSCAPE) == "none"
    assert len(CATEGORIES) == 10


@pytest.mark.parametrize("seed", [0, 1, 99])
def test_names_are_distinct_and_like_those_of_sun397(seed: int) -> None:
    names = [file_name(seed, index) for index in range(2000)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"sun_[a-z]{16}\.jpg", name) for name in names)
    assert names != [file_name(seed + 1, index) for index in range(2000)]
