"""What is to be done for an album: what is done already, and what must not be touched."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.coloring.album import Photo, source_of
from huescape.coloring.record import Entry, Record

Identity = tuple[int, int]


@dataclass(frozen=True)
class Job:
    """A photo and where its result goes.

    Attributes:
        photo: its file.
        out, name: the result is `out` / `name`.
        replaces: size and time (ns) of the file that it may take the place of; None for none.
        overwrites: whether it may take the place of any file.
    """

    photo: Path
    out: Path
    name: str
    replaces: tuple[int, int] | None = None
    overwrites: bool = False

    @property
    def target(self) -> Path:
        """The file of the result."""
        return self.out / self.name


@dataclass(frozen=True)
class Plan:
    """What is left to do.

    Attributes:
        jobs: in the order of the photos.
        done: how many results are there already.
        inputs: of all photos that can be seen, what the names of one file share.
    """

    jobs: list[Job]
    done: int
    inputs: frozenset[Identity]


def planned(
    photos: Sequence[Photo],
    names: Sequence[str],
    out: Path,
    record: Record,
    settings: Mapping[str, Any],
    overwrite: bool = False,
) -> Plan:
    """Compare what is there with what the record says of it.

    Args:
        names: of the results, in the order of `photos`.
        settings: with which they are to be colored, as a record has them.
        overwrite: whether files of others may be replaced; never those of `photos`.
    Raises:
        HuescapeError: results would take the place of what is not this command's own.
    """
    inputs = frozenset(one for photo in photos if (one := identity(photo.path)) is not None)
    jobs, conflicts, done = [], [], 0
    for photo, name in zip(photos, names, strict=True):
        job = Job(photo.path, out, name, overwrites=overwrite)
        _refuse_blocked(job)
        if not os.path.lexists(job.target):
            jobs.append(job)
            continue
        refuse_place(job.target, inputs)
        entry = record.current(out, name)
        is_own = entry is not None and entry.source == source_of(photo.path, out)
        if is_own and entry is not None and _is_current(entry, photo.path, settings):
            done += 1
        elif is_own or overwrite:
            jobs.append(Job(photo.path, out, name, _state(job.target), overwrite))
        else:
            conflicts.append(job.target)
    if conflicts:
        raise HuescapeError(
            f"{len(conflicts)} of {len(photos)} results exist, the first: {conflicts[0]}; it is "
            "not what colorize made of this photo there, or was changed since; name another "
            "folder, or add --overwrite"
        )
    return Plan(jobs, done, inputs)


def is_written(job: Job) -> bool:
    """Whether its result is there, and not what was there before."""
    return _state(job.target) not in (None, job.replaces)


def refuse_late(job: Job, inputs: frozenset[Identity]) -> None:
    """Raise HuescapeError where somebody was there first since the plan was made."""
    if not os.path.lexists(job.target):
        return
    refuse_place(job.target, inputs)
    if not job.overwrites and _state(job.target) != job.replaces:
        raise HuescapeError(f"cannot write {job.target}: it has come, or changed, meanwhile")


def refuse_place(target: Path, inputs: frozenset[Identity]) -> None:
    """Raise HuescapeError for a name that no result can have, whatever was asked for."""
    if identity(target) in inputs:
        raise HuescapeError(f"{target}: is one of the photos to color, by another name")
    if target.is_dir():
        raise HuescapeError(f"{target}: is a folder; name another output folder")


def identity(path: Path) -> Identity | None:
    """What two names of one file share, links followed; None if it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def own_results(photos: Sequence[Photo], out: Path, record: Record) -> list[Photo]:
    """Those of the photos that are results of this command in `out`, unchanged."""
    names = {os.path.realpath(out / name): name for name in record.entries}
    found = [(photo, names.get(os.path.realpath(photo.path))) for photo in photos]
    return [photo for photo, name in found if name and record.current(out, name)]


def _refuse_blocked(job: Job) -> None:
    """Raise HuescapeError where a file has the name of a folder that a result needs."""
    for part in Path(job.name).parents[:-1]:
        folder = job.out / part
        if os.path.lexists(folder) and not folder.is_dir():
            raise HuescapeError(f"{folder}: is no folder; name another output folder")


def _is_current(entry: Entry, photo: Path, settings: Mapping[str, Any]) -> bool:
    """Whether the photo is what it was, and would be colored in the same way."""
    state = _state(photo)
    return (entry.source_size, entry.source_mtime_ns) == state and entry.settings == settings


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
