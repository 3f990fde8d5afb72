"""Which photos are to be colored, and the name that the result of each has below the output."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath

from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring import kinds
from huescape.sources.walk import LeftOut, takes, walk_photos

_LONGEST_SUFFIX = 100


@dataclass(frozen=True)
class Photo:
    """A photo that is to be colored.

    Attributes:
        path: its file.
        place: where its result goes, below the output: its own name, or in a folder that was given,
            its path in there.
    """

    path: Path
    place: PurePosixPath


@dataclass
class Found:
    """What was found in the places that a person named.

    Attributes:
        photos: each file once, by the first of its names.
        empty: folders without a photo.
        words: lines on what was left out.
    """

    photos: list[Photo] = field(default_factory=list)
    empty: list[Path] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Naming:
    """How a result is called.

    Attributes:
        suffix: put before the extension.
        format: one of `kinds.NAMES`; None where the photo's own stays.
    """

    suffix: str = ""
    format: str | None = None

    def check(self) -> None:
        """Raise ParamsError for what no name can have in it."""
        is_odd = not self.suffix.isprintable() or {"/", "\\"} & set(self.suffix)
        if is_odd or len(self.suffix) > _LONGEST_SUFFIX:
            raise ParamsError(
                f"--suffix is {self.suffix[:_LONGEST_SUFFIX]!r}; allowed: up to {_LONGEST_SUFFIX} "
                "printable characters without / and \\"
            )


def find_photos(places: Sequence[str], out: Path) -> Found:
    """The photos that places name: files, folders with all below them, and patterns (`*.jpg`).

    A file is taken whatever its name; in folders and by patterns, what has a photo's name. What is
    not there is a photo that cannot be read.

    Raises ParamsError for a folder in `out`, or that holds it; HuescapeError where no place has a
    photo, or a folder cannot be listed.
    """
    found = Found()
    seen: set[str] = set()
    for place in places:
        for photo in _in_place(place, out, found):
            if (real := os.path.realpath(photo.path)) not in seen:
                seen.add(real)
                found.photos.append(photo)
    if not found.photos:
        named = ", ".join(str(place) for place in found.empty)
        raise HuescapeError(f"{named}: no photo in there")
    return found


def _in_place(place: str, out: Path, found: Found) -> Iterator[Photo]:
    path = Path(place)
    if _is(path.is_dir):
        yield from _in_folder(path, out, found)
    elif _is(path.exists) or not glob.has_magic(place):
        yield Photo(path, PurePosixPath(path.name))
    else:
        left_out = LeftOut()
        names = sorted(glob.glob(place, recursive=True))  # noqa: PTH207 (Path takes no absolute ones)
        matches = [Path(name) for name in names]
        kept = [one for one in matches if one.is_dir() or takes(one.name, left_out)]
        # A pattern that fits nothing is a file that is not there, as shells have it.
        for one in kept or [path]:
            if one.is_dir() and "**" not in place:
                yield from _in_folder(one, out, found)
            elif not one.is_dir():
                yield Photo(one, PurePosixPath(one.name))
        found.words += [f"{place}: {line}" for line in left_out.lines()]


def _in_folder(folder: Path, out: Path, found: Found) -> Iterator[Photo]:
    inside, outside = Path(os.path.realpath(folder)), Path(os.path.realpath(out))
    if outside.is_relative_to(inside) or inside.is_relative_to(outside):
        raise ParamsError(
            f"--output {out}: lies in {folder}, whose photos are colored, or holds it; "
            "allowed: a folder outside"
        )
    left_out = LeftOut()
    names = walk_photos(folder, left_out)
    found.words += [f"{folder}: {line}" for line in left_out.lines()]
    if not names:
        found.empty.append(folder)
    for name in names:
        yield Photo(folder / name, PurePosixPath(name))


def is_one_file(out: Path, photos: Sequence[Photo]) -> bool:
    """Whether `out` names the file of the one result, not the folder of all.

    Raises ParamsError where it has a picture's name but there is not one photo, or no result has
    that format.
    """
    if _is(out.is_dir) or not takes(out.name, LeftOut()):
        return False
    if len(photos) > 1:
        raise ParamsError(f"--output {out}: a file, for {len(photos)} photos; allowed: a folder")
    if out.suffix.lower() not in kinds.written_suffixes():
        allowed = ", ".join(kinds.written_suffixes())
        raise ParamsError(f"--output {out}: no format of results; allowed: {allowed}")
    return True


def result_names(
    photos: Sequence[Photo], out: Path, naming: Naming, known: Mapping[str, Sequence[str]]
) -> list[str]:
    """The name of each photo's result below the folder `out`, with `/`.

    It has the photo's place; where two share one, they are numbered (`a-2.jpg`). All differ, also
    where upper and lower case are the same, and none leads to a photo of the list.

    Args:
        known: the names that results of a photo had before, by `source_of`: it keeps its own.
    """
    taken = {_key(photo.path) for photo in photos}
    names: dict[int, str] = {}
    for number, photo in enumerate(photos):
        before = known.get(source_of(photo.path, out), ())
        family = _family(photo.place, naming)
        for name in before:
            if family.fullmatch(name) and _key(out / name) not in taken:
                names[number] = name
                taken.add(_key(out / name))
                break
    for number, photo in enumerate(photos):
        if number not in names:
            names[number] = next(
                name for name in _candidates(photo.place, naming) if _key(out / name) not in taken
            )
            taken.add(_key(out / names[number]))
    return [names[number] for number in range(len(photos))]


def source_of(photo: Path, out: Path) -> str:
    """How a record in `out` calls a photo: relative, so that both can be moved together."""
    return os.path.relpath(os.path.realpath(photo), os.path.realpath(out))


def _candidates(place: PurePosixPath, naming: Naming) -> Iterator[str]:
    stem, suffix = _parts(place, naming)
    yield str(place.with_name(f"{stem}{suffix}"))
    for number in count(2):
        yield str(place.with_name(f"{stem}-{number}{suffix}"))


def _family(place: PurePosixPath, naming: Naming) -> re.Pattern[str]:
    """What any of the candidates looks like."""
    stem, suffix = (re.escape(part) for part in _parts(place, naming))
    folder = "" if len(place.parts) == 1 else re.escape(f"{place.parent}/")
    return re.compile(rf"{folder}{stem}(-\d+)?{suffix}")


def _parts(place: PurePosixPath, naming: Naming) -> tuple[str, str]:
    suffix = kinds.result_suffix(place.suffix, naming.format)
    return place.stem + naming.suffix, suffix


def _key(path: Path) -> str:
    """The same for all names of one place; upper and lower case are, because disks may say so."""
    return os.path.realpath(path).casefold()


def _is(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a name that is too long
        return False
