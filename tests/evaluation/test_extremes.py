"""The best and worst of a stream against a sort of all of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from huescape.evaluation.extremes import Extreme, Extremes

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=30)


@given(scores=SCORES, count=st.integers(0, 8), data=st.data())
def test_they_are_the_ends_of_the_sorted_list(scores, count, data) -> None:
    every = [Extreme(score, f"p{n:02}", {}) for n, score in enumerate(scores)]
    found = Extremes(count)
    for one in data.draw(st.permutations(every)):
        found.add(one)
    assert found.worst == sorted(every, key=lambda one: (one.score, one.photo))[:count]
    assert found.best == sorted(every, key=lambda one: (-one.score, one.photo))[:count]
