"""The learning curve: drawn from any history, the same every time."""

from __future__ import annotations

import io
import math

import pandas as pd
import pytest

from huescape.figures import learning


def drawn(losses: list[float]) -> bytes | None:
    out = io.BytesIO()
    history = pd.DataFrame({"step": range(1, len(losses) + 1), "loss": losses})
    return out.getvalue() if learning.draw(out, history) else None


@pytest.mark.parametrize("count", [2, 7, 241, 5000])
def test_any_number_of_points(count: int) -> None:
    one = drawn([1 / (k + 1) for k in range(count)])
    assert one is not None
    assert one.startswith(b"\x89PNG")
    assert drawn([1 / (k + 1) for k in range(count)]) == one
    assert drawn([2 / (k + 1) for k in range(count)]) != one


@pytest.mark.parametrize("losses", [[], [3.0], [math.nan, 3.0, math.nan]])
def test_too_few_points_are_no_curve(losses: list[float]) -> None:
    assert drawn(losses) is None


def test_equal_losses_have_an_axis() -> None:
    assert drawn([1.0] * 9) is not None
