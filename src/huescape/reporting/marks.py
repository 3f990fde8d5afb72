"""Which rows of a table are the best of a column: all that cannot be told from the best one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from huescape.metrics.score import Score
from huescape.reporting.intervals import Difference
from huescape.reporting.sides import Comparisons, Side


@dataclass(frozen=True)
class Racer:
    """A row that can be the best of a column, by its place in the table."""

    place: int
    side: Side


def best_of(
    metric: Score, racers: Sequence[Racer], truth: Side | None, comparisons: Comparisons
) -> Collection[int]:
    """Places of the best row, and of those on its photos whose difference from it is in doubt.

    In doubt is a difference whose 95 % interval, over seeds and photos, holds 0, and one without an
    interval that is 0. None is marked where all are, or where no interval can be given: a table
    then says nothing of who is best.
    """
    target = truth if metric.best == "truth" else None
    means = {racer.place: racer.side.mean(metric.key) for racer in racers}
    values = {place: mean for place, mean in means.items() if mean is not None}
    true = target.mean(metric.key) if target else None
    value = metric.pick([*values.values()], true)
    best = next((racer for racer in racers if values.get(racer.place) == value), None)
    if value is None or best is None:
        return ()
    known = [r for r in racers if r.place in values and r.side.shows(best.side)]
    marked = {best.place}
    for racer in known:
        if racer is not best:
            found = comparisons.difference(best.side, racer.side, metric.key, target=target)
            if found is None or _in_doubt(found):
                marked.add(racer.place)
    return () if len(known) > 1 and len(marked) == len(known) else marked


def _in_doubt(found: Difference) -> bool:
    if found.low is None or found.high is None:
        return found.value == 0
    return found.low <= 0 <= found.high
