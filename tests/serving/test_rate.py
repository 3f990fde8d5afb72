"""The token bucket of each client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.serving.rate import Rate
from huescape.serving.refusals import Refusal
from tests.demo.test_store import Clock


def allowed(rate: Rate, client: str, cost: float) -> bool:
    try:
        rate.spend(client, cost)
    except Refusal:
        return False
    return True


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 12))))
def test_never_more_than_the_burst_and_what_came_back(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    rate = Rate(10, 2, clock)
    spent: list[tuple[float, float]] = []
    for wait, cost in steps:
        clock.now += wait
        if allowed(rate, "a", cost):
            spent.append((clock.now, cost))
    for start in range(len(spent)):
        since = spent[start][0]
        for end in range(start, len(spent)):
            total = sum(cost for _, cost in spent[start : end + 1])
            assert total <= 10 + 2 * (spent[end][0] - since) + 1e-6


def test_after_the_time_it_says_it_is_allowed() -> None:
    clock = Clock()
    rate = Rate(10, 2, clock)
    rate.spend("a", 9)
    with pytest.raises(Refusal) as caught:
        rate.spend("a", 4)
    assert (caught.value.status, caught.value.retry_after) == (429, 1.5)
    clock.now = 1.49
    assert not allowed(rate, "a", 4)
    clock.now = 1.51
    assert allowed(rate, "a", 4)


def test_one_client_does_not_use_up_another() -> None:
    rate = Rate(1, 1, Clock())
    assert allowed(rate, "10.0.0.1", 1)
    assert not allowed(rate, "10.0.0.1", 1)
    assert allowed(rate, "10.0.0.2", 1)
    assert allowed(rate, "somebody", 1)


def test_a_network_of_ipv6_is_one_client() -> None:
    rate = Rate(1, 1, Clock())
    assert allowed(rate, "2001:db8::1", 1)
    assert not allowed(rate, "2001:db8::ffff:2", 1)
    assert allowed(rate, "2001:db8:0:1::1", 1)


def test_clients_are_not_remembered_without_end() -> None:
    rate = Rate(1, 1e-9, Clock())
    for number in range(5000):
        assert allowed(rate, f"client {number}", 1)
    assert not allowed(rate, "client 4999", 1)
    assert allowed(rate, "client 0", 1)
