"""The page's part on where a system fails: its slices, and its figures with what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huescape.metrics.hue import Shift
from huescape.photos.catalog import CatalogRow
from huescape.reporting.groups import Group
from huescape.reporting.inputs import SystemResult
from huescape.reporting.pictures import Picture, embed
from huescape.reporting.sides import Side
from huescape.reporting.slices import Slice, parts, slices
from huescape.reporting.wording import NONE, signed, thousands

#: Of each figure: what it shows, and how many bytes it may take in the page.
_CAPTIONS = {
    "hue": (
        "How far the mean predicted color of each true hue is turned, and its chroma beside the "
        "true one. A bar to the right's hue is positive; a blue shadow or a brown leaf shows here.",
        200_000,
    ),
    "distribution": (
        "How often the likeliest bin is the true one by its probability, before and after the "
        "fitted temperature; and how often each bin is true, likeliest, and in the mean.",
        200_000,
    ),
    "confidence": (
        "Where the network is sure: the probability of the likeliest bin, and how many times as "
        "likely it is as the second.",
        500_000,
    ),
    "worst": ("The photos with the lowest AuC.", 500_000),
    "best": ("The photos with the highest AuC.", 500_000),
}
# What is shown of the systems that are not the best one, and of how many: the page stays small.
_OF_ALL = ("hue", "distribution")
_MOST_OTHERS = 8


@dataclass(frozen=True)
class Figure:
    """A figure, and what it shows."""

    title: str
    caption: str
    picture: Picture


@dataclass(frozen=True)
class Failures:
    """`name` is the system, `rows` its slices by kind, `others` figures of other systems.

    `left_out` counts those whose figures are not in the page.
    """

    name: str
    rows: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    figures: tuple[Figure, ...]
    others: tuple[tuple[str, tuple[Figure, ...]], ...]
    left_out: int

    @property
    def pictures(self) -> list[Picture]:
        """All that is embedded."""
        others = [figure for _, figures in self.others for figure in figures]
        return [figure.picture for figure in (*self.figures, *others)]


def failures(
    groups: Sequence[Group], rows_of: Callable[[SystemResult], Mapping[str, CatalogRow]], page: Path
) -> Failures:
    """Of the best system by macro AuC (of several seeds the first), and figures of the others.

    Those that were trained here come before shipped ones. `rows_of` gives the photos by id that a
    system was scored on.
    """
    first = max(groups, key=lambda group: (not group.members[0].is_shipped, _macro(group)))
    result = first.members[0]
    kinds: dict[str, list[tuple[str, ...]]] = {}
    for one in slices(result, parts(result, rows_of(result))):
        kinds.setdefault(one.part.kind, []).append(_row(one))
    others = [group.members[0] for group in groups if group is not first]
    return Failures(
        result.name,
        tuple((kind, tuple(found)) for kind, found in kinds.items()),
        _figures(result, page, [*_CAPTIONS]),
        tuple((one.name, _figures(one, page, _OF_ALL)) for one in others[:_MOST_OTHERS]),
        len(others[_MOST_OTHERS:]),
    )


def _macro(group: Group) -> float:
    return Side(group).mean("auc_macro") or 0.0


def _figures(result: SystemResult, page: Path, stems: Sequence[str]) -> tuple[Figure, ...]:
    return tuple(
        _figure(stem, result.figures, page, f"evaluate@{result.name}")
        for stem in stems
        if stem in result.figures
    )


def _figure(stem: str, figures: Mapping[str, Path], page: Path, stage: str) -> Figure:
    caption, budget = _CAPTIONS[stem]
    return Figure(stem, caption, embed(figures[stem], page, budget, stage=stage))


def _row(one: Slice) -> tuple[str, ...]:
    value, low, high = one.over_gray
    return (
        one.part.name,
        thousands(one.photos),
        f"{one.auc:.3f}",
        f"{signed(value, 3)} ({signed(low, 3)} to {signed(high, 3)})",
        f"{one.psnr:.2f}",
        f"{one.vivid:.2f}",
        _turn(one.hue),
    )


def _turn(hue: Shift) -> str:
    return NONE if hue.degrees is None else f"{signed(hue.degrees, 0)}°"
