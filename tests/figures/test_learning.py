"""The learning curve: drawn from any history, the same every time."""

from __future__ import annotations

import io
import math

import pandas as pd
import pytest

from huescape.figures import learning


def drawn(losses: list[float], **more: list[float]) -> bytes | None:
    out = io.BytesIO()
    history = pd.DataFrame({"step": range(1, len(losses) + 1), "loss": losses, **more})
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


def test_validation_is_a_line_where_there_was_one() -> None:
    losses, none = [3.0, 2.0, 1.0, 0.5], [math.nan] * 4
    assert drawn(losses, val_loss=none) == drawn(losses)
    assert drawn(losses, val_loss=[math.nan, 2.5, math.nan, 1.5]) != drawn(losses)
    history = pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0], "val_loss": [math.nan, 1.5]})
    assert learning.validated(history).to_dict("records") == [{"step": 2, "val_loss": 1.5}]
    assert len(learning.validated(history[["step", "loss"]])) == 0
