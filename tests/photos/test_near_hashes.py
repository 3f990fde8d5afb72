"""The exact search for near hashes, against the slow one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.photos import near_hashes
from huescape.photos.near_hashes import pairs_within


def slow_pairs(hashes: list[int], limit: int) -> set[tuple[int, int]]:
    return {
        (i, j)
        for j in range(len(hashes))
        for i in range(j)
        if bin(hashes[i] ^ hashes[j]).count("1") <= limit
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255), max_size=30), st.integers(0, 64))
def test_pairs_are_those_of_the_slow_search(hashes: list[int], limit: int) -> None:
    found = list(pairs_within(np.array(hashes, np.uint64), limit))
    assert len(found) == len(set(found))
    assert set(found) == slow_pairs(hashes, limit)


def copies(count: int, most: int) -> np.ndarray:
    """Hashes, each followed by one that differs in 1 to `most` bits anywhere."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 2**64, count, dtype=np.uint64)
    second = first.copy()
    for k in range(count):
        for bit in rng.permutation(64)[: 1 + k % most]:
            second[k] ^= np.uint64(1) << np.uint64(bit)
    return np.stack([first, second], axis=1).reshape(-1)


@pytest.mark.parametrize("widths", [(0,), (16, 16, 16, 16), (21, 21, 22)])
@pytest.mark.parametrize("limit", [0, 1, 3, 8, 11])
def test_every_way_of_cutting_finds_the_same(
    widths: tuple[int, ...], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = np.append(copies(150, 12), np.zeros(20, np.uint64))
    monkeypatch.setattr(near_hashes, "_CUTS", (widths,))
    found = list(pairs_within(hashes, limit))
    assert len(found) == len(set(found))
    assert set(found) == slow_pairs(hashes.tolist(), limit)


def test_more_pairs_than_are_handed_over_at_a_time() -> None:
    found = list(pairs_within(np.full(400, 7, np.uint64), 8))
    assert sorted(found) == [(i, j) for i in range(400) for j in range(i + 1, 400)]


def test_many_hashes_with_planted_neighbors() -> None:
    hashes = copies(20_000, 4)
    found = sorted(pairs_within(hashes, 4))
    assert found == [(2 * k, 2 * k + 1) for k in range(20_000)]
    assert sorted(pairs_within(hashes, 3)) == [pair for k, pair in enumerate(found) if k % 4 < 3]
