"""Which files in a folder of results are colorize's own: a line of JSON each, in a hidden file.

A line is appended before its result gets its name, so that a run that is killed leaves no result
that nobody knows. What a line says of a file counts only while the file has the digest in it: one
that somebody changed, or put there, is somebody's.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import xxhash

from huescape.base import atomic, exclusive
from huescape.base.errors import HuescapeError
from huescape.base.regular import open_regular

#: Its name in a folder of results.
NAME = ".huescape.results.jsonl"
_CHUNK = 1 << 20
_VERSION = 1
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@dataclass(frozen=True)
class Entry:
    """A result as it was written.

    Attributes:
        name: below the folder, with `/`.
        source: the photo, relative to the folder, links followed.
        source_size, source_mtime_ns: what it was like then.
        settings: the model and the manner, as JSON.
        size, xxh3: of the result, in bytes, and its XXH3 of 128 bits.
    """

    name: str
    source: str
    source_size: int
    source_mtime_ns: int
    settings: Mapping[str, Any]
    size: int
    xxh3: str

    def line(self) -> bytes:
        """As the file has it."""
        return json.dumps({"version": _VERSION, **asdict(self)}, sort_keys=True).encode() + b"\n"


@dataclass
class Record:
    """What is known of the results in a folder: all that was ever written to a name."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)

    def names(self) -> dict[str, list[str]]:
        """The names that results of each source had, the last first."""
        found: dict[str, list[str]] = {}
        for name, entries in self.entries.items():
            for source in {entry.source for entry in entries}:
                found.setdefault(source, []).insert(0, name)
        return found

    def current(self, out: Path, name: str) -> Entry | None:
        """What wrote the file that is there now; None for one that is not colorize's, or none."""
        path = out / name
        known = self.entries.get(name, [])
        if not known or path.is_symlink():
            return None
        try:
            with open_regular(path) as file:
                size = os.fstat(file.fileno()).st_size
                if size not in {entry.size for entry in known}:
                    return None
                digest = xxhash.xxh3_128()
                while content := file.read(_CHUNK):
                    digest.update(content)
        except OSError:
            return None
        found = [e for e in known if (e.size, e.xxh3) == (size, digest.hexdigest())]
        return found[-1] if found else None


@contextmanager
def held(out: Path) -> Iterator[Record]:
    """The record of the folder `out`, for this process alone; it is removed if it stays empty.

    Raises HuescapeError where another process has it, or the disk refuses.
    """
    path = out / NAME
    try:
        if path.is_symlink():
            raise HuescapeError(f"{path}: is a link; remove it, or name another folder")
        if not path.exists():
            atomic.insist_on_place(path)
        stream = _taken(path)
        with stream:
            _mend(path)
            try:
                yield read_record(path)
            finally:
                with suppress(OSError):
                    if not path.stat().st_size:
                        path.unlink()
    except OSError as error:
        raise HuescapeError(f"cannot write to {out}: {error.strerror or error}") from error


def read_record(path: Path) -> Record:
    """What a file says; lines that cannot be read are counted from 1 in `damaged`."""
    record = Record()
    with open_regular(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                content = json.loads(line)
                if content.pop("version") != _VERSION:
                    raise ValueError("another version")
                entry = Entry(**content)
                _check(entry)
                record.entries.setdefault(entry.name, []).append(entry)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                record.damaged.append(number)
    return record


def _check(entry: Entry) -> None:
    """Raise ValueError for a field of another kind than `append` writes."""
    texts = (entry.name, entry.source, entry.xxh3)
    numbers = (entry.source_size, entry.source_mtime_ns, entry.size)
    is_sound = all(type(text) is str and "\0" not in text for text in texts)
    is_sound = is_sound and all(type(number) is int for number in numbers)
    if not (is_sound and isinstance(entry.settings, dict)):
        raise ValueError("a field of another kind")


def append(out: Path, entry: Entry) -> None:
    """Write a line behind the others. Raises OSError."""
    descriptor = os.open(out / NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        end = os.fstat(descriptor).st_size
        # What a full disk has cut off spoils no other line.
        start = b"\n" if end and os.pread(descriptor, 1, end - 1) != b"\n" else b""
        line = start + entry.line()
        written = os.write(descriptor, line)
        if written != len(line):  # the rest says why
            os.write(descriptor, line[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> IO[str]:
    """The lock on a record that is still there; where the disk knows no locks, the file alone."""
    while True:
        try:
            stream = exclusive.take(path)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return path.open(encoding="utf-8")
        if stream is None:
            raise HuescapeError(f"{path.parent}: another `huescape colorize` is at work there")
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                return stream
        stream.close()  # removed by the one who had it before


def _mend(path: Path) -> None:
    """End the last line of a record that was cut off within it: whole, or not at all."""
    with path.open("rb+") as file:
        *_, last = b"", *file
        if last.endswith(b"\n") or not last:
            return
        try:
            json.loads(last)
        except (ValueError, RecursionError):
            file.truncate(file.tell() - len(last))
        else:
            file.write(b"\n")
