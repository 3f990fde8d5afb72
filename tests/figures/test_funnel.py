"""The funnel: photos are neither lost nor invented between its steps."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from huescape.figures.funnel import bar, steps

ORDER = ("first", "second", "third")


@given(st.dictionaries(st.sampled_from([*ORDER, "new", "other"]), st.integers(0, 500)), st.data())
def test_every_photo_is_accounted_for(dropped: dict[str, int], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, 500))
    photos = kept + sum(dropped.values())
    found = steps(photos, dropped, ORDER)
    assert {s.key: s.dropped for s in found} == {k: n for k, n in dropped.items() if n}
    left = photos
    for step in found:
        left -= step.dropped
        assert step.left == left
    assert left == kept


def test_checks_come_in_their_order_and_unknown_ones_last() -> None:
    found = steps(10, {"zeta": 1, "third": 1, "alpha": 1, "first": 1, "second": 0}, ORDER)
    assert [step.key for step in found] == ["first", "third", "alpha", "zeta"]


@given(st.integers(1, 10**6), st.data())
def test_bar_has_the_shares_and_stays_inside(total: int, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, total))
    gone = data.draw(st.integers(0, total - left))
    svg = ElementTree.fromstring(bar(total, left, gone))
    widths = {r.get("class"): float(r.get("width") or 0) for r in svg.iter("rect")}
    assert abs(widths["left"] - 1000 * left / total) <= 4.1
    assert widths["left"] + widths["gone"] <= 1000.2
    assert (widths["gone"] > 0) == (gone > 0)


def test_bar_of_nothing() -> None:
    assert 'width="0.0"' in bar(0, 0)
