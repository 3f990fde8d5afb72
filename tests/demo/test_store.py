"""The store of the demo: bounded, by tokens, and forgetful."""

from __future__ import annotations

import gc
import weakref

import pytest

from huescape.demo.store import Store
from huescape.serving.refusals import Refusal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Thing:
    pass


def status(store: Store[Thing], token: str) -> int:
    with pytest.raises(Refusal) as caught:
        store.get(token)
    return caught.value.status


def test_tokens_are_long_and_all_different() -> None:
    store: Store[int] = Store(100, 60)
    tokens = [store.put(number) for number in range(100)]
    assert len(set(tokens)) == 100
    assert {len(token) for token in tokens} == {43}  # 256 bits
    assert [store.get(token) for token in tokens] == list(range(100))


def test_the_longest_unused_makes_room() -> None:
    store: Store[int] = Store(2, 60)
    first, second = store.put(1), store.put(2)
    assert store.get(first) == 1
    third = store.put(3)
    assert len(store) == 2
    assert (store.get(first), store.get(third)) == (1, 3)
    with pytest.raises(Refusal, match="no longer held; choose it again") as caught:
        store.get(second)
    assert caught.value.status == 410


def test_each_is_forgotten_in_its_time_after_its_last_use() -> None:
    clock = Clock()
    store: Store[Thing] = Store(9, 10, clock)
    used, unused = store.put(Thing()), store.put(Thing())
    clock.now = 9
    thing = weakref.ref(store.get(used))
    clock.now = 10
    assert status(store, unused) == 410
    clock.now = 18.9
    assert store.get(used) is thing()
    clock.now = 28.9
    store.sweep()
    assert len(store) == 0
    gc.collect()
    assert thing() is None
    assert status(store, used) == 410


def test_what_never_was_is_not_found() -> None:
    store: Store[Thing] = Store(9, 10)
    assert status(store, "x") == 404
    token = store.put(Thing())
    store.drop(token)
    store.drop(token)
    assert status(store, token) == 410


def test_few_tokens_are_remembered() -> None:
    store: Store[int] = Store(1, 10)
    tokens = [store.put(number) for number in range(1100)]
    statuses = []
    for token in tokens[:-1]:
        with pytest.raises(Refusal) as caught:
            store.get(token)
        statuses.append(caught.value.status)
    assert statuses[:99] == [404] * 99
    assert statuses[99:] == [410] * 1000
