"""The funnel of a filter: how many photos are left after each check, each with a bar as inline SVG.

Classes: `left` (photos that are left), `gone` (photos that this check dropped), `track`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """After a check: photos it dropped, photos that are left, and the bar of both."""

    key: str
    dropped: int
    left: int
    bar: str


def steps(photos: int, dropped: Mapping[str, int], order: Sequence[str]) -> list[Step]:
    """One step for every check that dropped a photo, in `order`; checks not named there come last.

    `photos` is the count before the first check.
    """
    names = [key for key in order if dropped.get(key)]
    names += sorted(key for key in dropped if key not in order and dropped[key])
    found, left = [], photos
    for key in names:
        left -= dropped[key]
        found.append(Step(key, dropped[key], left, bar(photos, left, dropped[key])))
    return found


def bar(total: int, left: int, gone: int = 0) -> str:
    """A bar of 1000 x 10 units, stretched by its container; the numbers stand beside it in text."""
    scale = 1000 / max(total, 1)
    width, lost = left * scale, gone * scale
    if gone:
        lost = max(lost, 4.0)  # one photo in a hundred thousand is still seen
        width = min(width, 1000 - lost)
    return (
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="1000" height="10"/>'
        f'<rect class="left" width="{width:.1f}" height="10"/>'
        f'<rect class="gone" x="{width:.1f}" width="{lost:.1f}" height="10"/></svg>'
    )
