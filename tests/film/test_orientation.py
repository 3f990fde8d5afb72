"""Turns, against the meaning of a display matrix, pixel by pixel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from huescape.film.orientation import AS_IT_IS, Turn, turn_of

ONE = 65536
MATRICES = [
    *((a * ONE, 0, 0, 0, d * ONE) for a, d in itertools.product((1, -1), repeat=2)),
    *((0, b * ONE, 0, c * ONE, 0) for b, c in itertools.product((1, -1), repeat=2)),
]


@pytest.mark.parametrize("matrix", MATRICES)
def test_the_eight_turns(matrix: tuple[int, ...]) -> None:
    a, b, _, c, d = (value / ONE for value in matrix)
    stored = np.arange(2 * 3).reshape(2, 3)
    rows, columns = np.mgrid[:2, :3]
    x, y = a * columns + c * rows, b * columns + d * rows
    x, y = (x - x.min()).astype(int), (y - y.min()).astype(int)
    shown = np.zeros((y.max() + 1, x.max() + 1), int)
    shown[y, x] = stored
    turn = turn_of([*matrix, 0, 0, 0, 1 << 30])
    assert turn is not None
    assert turn.upright(stored).tolist() == shown.tolist()
    assert turn.stored(turn.upright(stored)).tolist() == stored.tolist()


def test_channels_stay_last() -> None:
    stored = np.random.default_rng(0).integers(0, 255, (4, 6, 3))
    turn = Turn(exchanged=True, rows_turned=True)
    assert turn.upright(stored).shape == (6, 4, 3)
    assert (turn.stored(turn.upright(stored)) == stored).all()


def test_other_matrices_are_no_turn() -> None:
    assert turn_of([ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30]) == AS_IT_IS
    slanted = round(0.7 * ONE)
    assert turn_of([slanted, slanted, 0, -slanted, slanted, 0, 0, 0, 1 << 30]) is None
    assert turn_of([0] * 9) is None
