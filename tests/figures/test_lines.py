"""Line charts as SVG: points where they belong, well-formed, escaped."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.figures import lines
from huescape.figures.lines import Line, chart, ticks


def draw(*drawn: Line, x: tuple[float, float] = (0, 10), y: tuple[float, float] = (0, 1)) -> str:
    return chart(drawn, title="A <title>", x_label="x & y", y_label="share", x=x, y=y)


def test_points_lie_where_the_axes_say() -> None:
    root = ElementTree.fromstring(draw(Line("one", [0, 5, 10], [0, 0.5, 1], "s0")))
    points = [p.get("points") for p in root.iter("polyline")]
    right, bottom = lines.WIDTH - lines.RIGHT, lines.HEIGHT - lines.BOTTOM
    middle = f"{(lines.LEFT + right) / 2:.1f},{(lines.TOP + bottom) / 2:.1f}"
    assert points == [f"{lines.LEFT:.1f},{bottom:.1f} {middle} {right:.1f},{lines.TOP:.1f}"]


def test_text_is_escaped() -> None:
    text = draw(Line("<b>&", [0, 1], [0, 1], 's0"'))
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == "A <title>"
    assert [t.text for t in root.iter("title")] == ["<b>&"]
    assert "x & y" in [t.text for t in root.iter("text")]


def test_a_value_that_is_not_there_is_a_gap() -> None:
    root = ElementTree.fromstring(draw(Line("one", [0, 1, 2, 3], [0, math.nan, 1, 1], "s0")))
    assert [len((p.get("points") or "").split()) for p in root.iter("polyline")] == [1, 2]


def test_values_outside_are_clipped() -> None:
    root = ElementTree.fromstring(draw(Line("one", [-5, 20], [-1, 2], "s0")))
    (line,) = root.iter("polyline")
    x = [float(p.split(",")[0]) for p in (line.get("points") or "").split()]
    assert x == [lines.LEFT, lines.WIDTH - lines.RIGHT]


def test_an_empty_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="axis is empty"):
        draw(Line("one", [0], [0], "s0"), x=(1, 1))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_few(low: float, width: float) -> None:
    high = low + width
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    slack = 1e-6 * max(abs(low), abs(high), 1)
    assert all(low - slack <= tick <= high + slack for tick in found)
    step = found[1] - found[0]
    mantissa = step / 10 ** math.floor(math.log10(step * 1.000001))
    assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-3
