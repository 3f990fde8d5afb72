"""The example photos behind a slider each, from gray by color to truth, and by temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape.base.arrays import read_arrays
from huescape.base.digests import remedy
from huescape.base.errors import HuescapeError
from huescape.figures.side_by_side import gray
from huescape.reporting import examples
from huescape.reporting.groups import Group
from huescape.reporting.inputs import SystemResult
from huescape.reporting.pictures import Picture, embed_array

#: Of systems: more would make the pictures of each smaller.
MOST_SYSTEMS = 6
# Bytes of a picture: 256 pixels a side look like the photo at this.
_PICTURE_BUDGET = 30_000
Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """A picture of a strip, what it is, and the number of the only system that it is of, if any."""

    label: str
    picture: Picture
    system: int | None = None


@dataclass(frozen=True)
class Strip:
    """The pictures of a photo in the order of its slider, of one system or (None) of all."""

    photo: str
    frames: tuple[Frame, ...]
    system: int | None = None


@dataclass(frozen=True)
class Gallery:
    """Strips from gray to true by every system, and by falling temperature; `left_out` systems."""

    systems: tuple[str, ...]
    photos: tuple[Strip, ...]
    temperatures: tuple[Strip, ...]
    left_out: int

    @property
    def choices(self) -> list[tuple[int, str]]:
        """The systems by number."""
        return list(enumerate(self.systems))

    @property
    def temperature_choices(self) -> list[tuple[int, str]]:
        """Those that have strips by temperature."""
        having = {strip.system for strip in self.temperatures}
        return [(number, name) for number, name in self.choices if number in having]

    @property
    def pictures(self) -> list[Picture]:
        """All that is embedded."""
        strips = (*self.photos, *self.temperatures)
        return [frame.picture for strip in strips for frame in strip.frames]


@dataclass(frozen=True)
class _Drawn:
    """A strip before its pictures are embedded: (label, picture, system) each."""

    photo: str
    frames: tuple[tuple[str, Rgb, int | None], ...]
    system: int | None = None


def gallery(groups: Sequence[Group], budget: int) -> Gallery:
    """The photos that all groups have, each group by its first system, in at most `budget` bytes.

    Groups without pictures are left out. Raises HuescapeError for a file that is broken.
    """
    found = [(group.name, group.members[0]) for group in groups if group.members[0].pictures]
    shown = found[:MOST_SYSTEMS]
    results = [result for _, result in shown]
    ids = examples.common_ids([path for result in results if (path := result.pictures)])
    if not ids:
        return Gallery((), (), (), 0)
    photos = _photos([name for name, _ in shown], results, ids)
    colder = [
        strip for number, result in enumerate(results) for strip in _temperatures(result, number)
    ]
    count = sum(len(strip.frames) for strip in (*photos, *colder))
    each = min(_PICTURE_BUDGET, max(budget, 0) // count)
    strips = [[_embedded(strip, each) for strip in part] for part in (photos, colder)]
    names = tuple(name for name, _ in shown)
    return Gallery(names, tuple(strips[0]), tuple(strips[1]), len(found) - len(shown))


def _photos(
    names: Sequence[str], results: Sequence[SystemResult], ids: Sequence[str]
) -> list[_Drawn]:
    read = [examples.read_pictures(path, ids) for one in results if (path := one.pictures)]
    strips = []
    for k, photo in enumerate(ids):
        truth = read[0][k][0]
        colored = [
            (f"Colored by {name}", pairs[k][1], number)
            for number, (name, pairs) in enumerate(zip(names, read, strict=True))
        ]
        ends = ("Gray", gray(truth), None), ("Truth", truth, None)
        strips.append(_Drawn(photo, (ends[0], *colored, ends[1])))
    return strips


def _temperatures(result: SystemResult, number: int) -> list[_Drawn]:
    """The photos of a `temperatures.npz`; none for a regression, which has none."""
    path = result.temperatures
    if path is None:
        return []
    found = read_temperatures(path)
    return [
        _Drawn(
            photo,
            tuple((f"T = {t:g}", rgb, None) for t, rgb in pictures),
            number,
        )
        for photo, pictures in found.items()
    ]


def read_temperatures(path: Path) -> dict[str, list[tuple[float, Rgb]]]:
    """By photo (temperature, picture (H, W, 3)) pairs; HuescapeError for a broken file."""
    stage = f"evaluate@{path.parent.name}"
    known = read_arrays(path, "ids", "temperatures", stage=stage)
    ids, temperatures = known["ids"].ravel().tolist(), known["temperatures"].ravel().tolist()
    arrays = read_arrays(path, *(f"rgb_{k}" for k in range(len(ids))), stage=stage)
    for name, rgb in arrays.items():
        fits = rgb.ndim == 4 and rgb.shape[::3] == (len(temperatures), 3) and rgb.dtype == np.uint8
        if not fits:
            line = f"{name} is not of shape ({len(temperatures)}, H, W, 3) and type uint8"
            raise HuescapeError(f"{path}: {line}; {remedy(stage)}")
    pairs = zip(ids, arrays.values(), strict=True)
    return {str(photo): list(zip(temperatures, rgb, strict=True)) for photo, rgb in pairs}


def _embedded(strip: _Drawn, budget: int) -> Strip:
    frames = (Frame(label, embed_array(rgb, budget), system) for label, rgb, system in strip.frames)
    return Strip(strip.photo, tuple(frames), strip.system)
