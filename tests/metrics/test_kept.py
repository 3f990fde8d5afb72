"""What is kept of every photo comes back as it was given, in the room that its numbers take."""

from __future__ import annotations

import math
import sys
from itertools import islice

import numpy as np
import pytest

from huescape.metrics.kept import Rows, Stack


def test_stack_holds_arrays_in_their_order() -> None:
    stack = Stack(np.int32, (2, 3))
    assert stack.array().shape == (0, 2, 3)
    for number in range(4):
        stack.append(np.full((2, 3), number))
    stack.extend(np.full((2, 2, 3), 9))
    found = stack.array()
    assert found.dtype == np.int32
    assert found[:, 1, 2].tolist() == [0, 1, 2, 3, 9, 9]
    stack.append(np.zeros((2, 3)))  # what was taken before stays as it was
    assert len(stack.array()) == len(found) + 1
    with pytest.raises(ValueError, match="reshape"):
        stack.append(np.zeros(5))


def test_rows_come_back_with_none_for_what_is_not_finite() -> None:
    rows = Rows("pixels")
    assert rows.column("psnr") == ()
    assert list(islice(rows, 1)) == []  # nor without end
    rows.append({"pixels": 2**53 + 1, "psnr": math.inf})
    rows.append({"pixels": 7, "psnr": 0.1})
    assert list(rows) == [{"pixels": 2**53 + 1, "psnr": None}, {"pixels": 7, "psnr": 0.1}]
    assert type(rows[-1]["pixels"]) is int
    assert list(rows.column("psnr")) == [math.inf, 0.1]


def test_a_row_takes_little_more_than_its_numbers() -> None:
    rows, names = Rows(), [f"score{n}" for n in range(10)]
    for number in range(10_000):
        rows.append(dict.fromkeys(names, number / 7))
    taken = sum(sys.getsizeof(rows.column(name)) for name in names)
    assert taken < 10_000 * 10 * 8 * 1.3
