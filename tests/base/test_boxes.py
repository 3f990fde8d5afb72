"""A box cuts a photo out of its padding, and tells which points lie on it."""

from __future__ import annotations

import numpy as np

from huescape.base.boxes import Box

BOXES = np.array([[1, 0, 2, 4], [0, 2, 4, 1]], np.int16)


def test_what_is_cut_out_is_what_it_holds() -> None:
    plane, places = np.arange(16).reshape(4, 4), np.arange(4)
    many = Box.of(BOXES).holds(np.tile(places, (2, 1)), np.tile(places, (2, 1)))
    assert many.shape == (2, 4, 4)
    for stored, held in zip(BOXES, many, strict=True):
        box = Box.of(stored)
        np.testing.assert_array_equal(box.holds(places, places), held)
        np.testing.assert_array_equal(box.cut(plane).ravel(), plane[held])
        assert box.cut(plane).shape == (box.height, box.width)


def test_a_box_seen_from_another_cuts_the_same_out_of_what_that_cut() -> None:
    plane = np.arange(100).reshape(10, 10)
    outer, inner = Box(2, 1, 7, 8), Box(4, 3, 2, 5)
    seen = inner.seen_from(outer)
    np.testing.assert_array_equal(seen.cut(outer.cut(plane)), inner.cut(plane))
    assert inner.seen_from(Box(0, 0, 10, 10)) == inner
