"""Each epoch is a permutation, of which no place needs more than a window of shards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.training.order import Order

SIZES = st.lists(st.integers(0, 6), min_size=1, max_size=12).filter(any)
WINDOWS = st.none() | st.integers(1, 14)


def shards_of(pictures: np.ndarray, sizes: list[int]) -> list[int]:
    """The shard of each picture, photo by photo."""
    of_photo = np.repeat(np.arange(len(sizes)), sizes)
    return of_photo[pictures % len(of_photo)].tolist()


# What `default_rng([1, seed, epoch]).permutation` gave when it was the only order there was.
@pytest.mark.parametrize(
    ("seed", "epoch", "sizes", "expected"),
    [
        (0, 0, (4, 4), [5, 0, 1, 4, 2, 6, 3, 7]),
        (3, 1, (0, 7, 0, 5), [3, 5, 10, 11, 9, 7, 2, 0, 8, 6, 4, 1]),
        (7, 5, (9, 1, 10), [0, 18, 10, 7, 16, 8, 13, 6, 9, 1, 4, 12, 15, 11, 14, 17, 2, 19, 5, 3]),
    ],
)
@pytest.mark.parametrize("window", [None, 9])
def test_without_a_window_the_order_is_what_it_was(
    seed: int, epoch: int, sizes: tuple[int, ...], expected: list[int], window: int | None
) -> None:
    count = len(expected)
    places = range(epoch * count, (epoch + 1) * count)
    assert Order(seed, sizes, window=window).pictures(places).tolist() == expected
    variants = Order(seed, [count // 2], variants=2, window=window)
    assert variants.pictures(places).tolist() == expected


@given(SIZES, WINDOWS, st.integers(1, 3), st.integers(0, 3), st.integers(0, 9))
def test_each_epoch_is_a_permutation_in_blocks_of_shards(
    sizes: list[int], window: int | None, variants: int, epoch: int, seed: int
) -> None:
    order = Order(seed, sizes, variants=variants, window=window)
    start, count = epoch * order.epoch, variants * sum(sizes)
    found = order.pictures(range(start, start + count))
    assert sorted(found.tolist()) == list(range(count))
    shards = shards_of(found, sizes)
    seen = {k: (shards.index(k), count - shards[::-1].index(k)) for k in set(shards)}
    for at in range(count):
        open_now = [k for k, (first, stop) in seen.items() if first <= at < stop]
        assert len(open_now) <= (window or len(sizes))


@given(SIZES, WINDOWS, st.integers(1, 2), st.integers(0, 40), st.integers(1, 20))
def test_what_is_announced_is_what_comes(
    sizes: list[int], window: int | None, variants: int, start: int, length: int
) -> None:
    """The blocks of a batch and the one after it: whatever the next pictures need, and no more."""
    order = Order(5, sizes, variants=variants, window=window)
    places = range(start, start + length)
    announced = order.shards(places)
    assert len(announced) == len(set(announced))
    for at in places:
        now = order.shards(range(at, at + 1))
        assert shards_of(order.pictures(range(at, at + 1)), sizes)[0] in now
        assert set(now) <= set(announced) <= {k for k, size in enumerate(sizes) if size}
        assert len(now) <= 2 * (window or len(sizes))
    following = next(at for at in range(start + length, 10**4) if not _one_block(order, places, at))
    assert shards_of(order.pictures(range(following, following + 1)), sizes)[0] in announced


def _one_block(order: Order, places: range, at: int) -> bool:
    return order.shards(range(at, at + 1)) == order.shards(places[-1:]) and (
        at // order.epoch == places[-1] // order.epoch
    )


def test_blocks_differ_from_epoch_to_epoch_and_with_the_seed() -> None:
    sizes, window = [5] * 8, 2
    order = Order(0, sizes, window=window)
    epochs = [order.pictures(range(k * 40, k * 40 + 40)) for k in range(3)]
    epochs.append(Order(1, sizes, window=window).pictures(range(40)))
    blocks = [
        frozenset(frozenset(shards_of(each[at : at + 10], sizes)) for at in range(0, 40, 10))
        for each in epochs
    ]
    assert all(len(block) == window for each in blocks for block in each)
    assert len(set(blocks)) == 4
    assert all(one.tolist() != other.tolist() for one, other in pairwise(epochs))


@given(SIZES, WINDOWS, st.integers(0, 60), st.integers(1, 30))
def test_an_order_can_be_entered_anywhere(
    sizes: list[int], window: int | None, start: int, length: int
) -> None:
    straight = Order(2, sizes, window=window).pictures(range(start + length))
    jumped = Order(2, sizes, window=window).pictures(range(start, start + length))
    assert straight[start:].tolist() == jumped.tolist()
