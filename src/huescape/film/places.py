"""Which films places name, and where their results go; nothing heavy is imported."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from huescape.base.errors import HuescapeError, ParamsError
from huescape.film.recognition import MUXERS, READ, is_film, muxer_of

# A folder is hardly called so.
_STILLS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".avif", ".heic")
_INSTEAD = ".mkv"  # which holds nearly every codec, sound and subtitle


def split(places: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The films that places name, each once, and all other places.

    A pattern of films (`*.mp4`) that no shell has expanded stands for what it fits; one that fits
    nothing is a film that is not there, as shells have it.
    """
    films: dict[str, Path] = {}
    others = []
    for place in (name for given in places for name in _expanded(given)):
        path = Path(place)
        if is_film(path):
            films.setdefault(os.path.realpath(path), path)
        else:
            others.append(place)
    return list(films.values()), others


def _expanded(place: str) -> Iterator[str]:
    if glob.has_magic(place) and is_film(Path(place)) and not os.path.lexists(place):
        names = sorted(glob.glob(place, recursive=True))  # noqa: PTH207 (Path takes no absolute ones)
        yield from names or [place]
    else:
        yield place


def refuse_film_for_photos(out: Path) -> None:
    """Raise ParamsError where the output of photos has a film's name and is no folder."""
    if out.suffix.lower() in {*MUXERS, *READ} and not _is_folder(out):
        raise ParamsError(f"--output {out}: names one film, and photos are given; name a folder")


def film_jobs(films: Sequence[Path], out: Path, overwrite: bool = False) -> list[tuple[Path, Path]]:
    """Each film and where its result goes.

    `overwrite`: whether files that are there may be replaced. Raises HuescapeError for a result
    that is there, so that it is said before any film is colored; ParamsError as `result_paths`.
    """
    jobs = list(zip(films, result_paths(films, out), strict=True))
    for film, result in jobs:
        refuse_conflict(film, result, overwrite)
    return jobs


def result_paths(films: Sequence[Path], out: Path) -> list[Path]:
    """Where each colored film goes: all different, and none a film of the list.

    That is `out` itself, where it names a film; else it is a folder, in which a film keeps its
    name, numbered (`name-2.mp4`) where that is taken, and its suffix where that can be written,
    else has `.mkv`. Raises ParamsError where `out` is one film and there are several, and where it
    names a file of another kind.
    """
    suffix = "" if _is_folder(out) else out.suffix.lower()
    if suffix in {*READ, *_STILLS}:
        muxer_of(out)  # which refuses it
    if suffix in MUXERS:
        if len(films) > 1:
            raise ParamsError(f"{out}: names one film, and {len(films)} are given; name a folder")
        return [out]
    taken = {_key(film) for film in films}
    results = []
    for film in films:
        suffix = film.suffix if film.suffix.lower() in MUXERS else _INSTEAD
        result, number = out / f"{film.stem}{suffix}", 1
        while _key(result) in taken:
            number += 1
            result = out / f"{film.stem}-{number}{suffix}"
        taken.add(_key(result))
        results.append(result)
    return results


def refuse_conflict(film: Path, out: Path, overwrite: bool) -> None:
    """Raise HuescapeError if a result would take the place of what is there."""
    if not os.path.lexists(out):
        return
    if _are_one(out, film):
        raise HuescapeError(f"{out}: is the film to color; name another result")
    if _is_folder(out):
        raise HuescapeError(f"{out}: is a folder; name a file for the colored film")
    if not overwrite:
        raise HuescapeError(f"{out}: is there already; name another result, or add --overwrite")


def _key(path: Path) -> str:
    """What two names of one file share; case-insensitive, because the disk may be."""
    return os.path.realpath(path).casefold()


def _is_folder(path: Path) -> bool:
    """False, too, for a name that no disk takes, and where it may not be looked at."""
    return os.path.isdir(path)  # noqa: PTH112 (which raises there)


def _are_one(first: Path, other: Path) -> bool:
    try:
        return first.samefile(other)
    except OSError:
        return False
