"""The journal of one process about one run: on disk before anything is sent anywhere.

A journal is a folder below `tracking/pending/`:

    header.json     what the run is: key, name, destination, parameters, tags, dataset
    journal.jsonl   one entry a line, appended
    files/          copies of the pictures, artifacts and models that entries name
    offset          bytes of journal.jsonl that the destination has acknowledged
    lock            held while a process writes or delivers the journal

The folder appears under its final name when it is complete and locked, and goes when everything
is delivered. An entry is on its way when `append` returns: a kill of the process loses none (the
lock goes with the process, and the next one delivers the rest). Secrets in addresses are masked
on the way in.

Nothing that is read back is trusted: an entry that a disk has damaged is passed over, a damaged
offset means that all is sent again (which MLflow takes once), and a journal that no longer says
whose it is goes to `tracking/damaged/`, with a line.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from huescape.base.atomic import write_json, write_text
from huescape.base.masking import mask_values
from huescape.base.temporaries import temporary_folder
from huescape.tracking.entries import DAMAGED, last_steps, parse_entry, parse_header
from huescape.tracking.notices import warn

VERSION = 1
BATCH_BYTES = 256 * 1024  # read at a time: what bounds the memory of a publisher that catches up


class Entry(NamedTuple):
    """One line of a journal and the offset of its end."""

    content: dict[str, Any]
    end: int


class Journal:
    """A journal whose lock this process holds. Made by `create` and `adopt`."""

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self.folder = folder
        self.header = parse_header((folder / "header.json").read_bytes())
        self._lock = lock
        self._lines = (folder / "journal.jsonl").open("ab", buffering=0)
        self._files = 0

    @classmethod
    def create(cls, pending: Path, header: Mapping[str, Any]) -> Journal:
        """Start a journal in a new folder of `pending`.

        Raises HuescapeError or OSError when the disk refuses.
        """
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"  # sorted by name is sorted by age
        pending.mkdir(parents=True, exist_ok=True)
        with temporary_folder(pending) as hidden:
            (hidden / "files").mkdir()
            (hidden / "journal.jsonl").touch()
            (hidden / "lock").touch()
            write_json(hidden / "header.json", mask_values({"version": VERSION, **header}))
            lock = _locked(hidden)
            if lock is None:
                raise OSError(f"cannot lock {hidden}")
            hidden.rename(pending / name)
        return cls(pending / name, lock)

    @classmethod
    def adopt(cls, folder: Path) -> Journal | None:
        """Take over a journal that no live process holds; None when one does, or it is gone.

        One that is too damaged to be delivered is set aside, with a line.
        """
        try:
            lock = _locked(folder)
        except OSError:
            return None
        if lock is None:
            return None
        try:
            journal = cls(folder, lock)
        except (OSError, ValueError) as error:
            _set_aside(folder, error)
            lock.close()
            return None
        if journal.header.get("version") != VERSION:
            journal.close()
            return None
        return journal

    def append(self, kind: str, **content: Any) -> None:
        """Write one entry. Raises OSError when the disk refuses."""
        entry = {"kind": kind, "time": int(time.time() * 1000), **mask_values(content)}
        self._lines.write(json.dumps(entry).encode() + b"\n")  # one write: a line whole or torn

    def keep(self, source: Path) -> str:
        """Copy a file or folder into the journal; its path relative to the journal's folder."""
        target = self._fresh(source.name)
        if source.is_dir():
            shutil.copytree(source, self.folder / target)
        else:
            shutil.copyfile(source, self.folder / target)
        return target

    def keep_bytes(self, name: str, content: bytes) -> str:
        """Write a new file into the journal; its path relative to the journal's folder."""
        target = self._fresh(name)
        (self.folder / target).write_bytes(content)
        return target

    def _fresh(self, name: str) -> str:
        self._files += 1
        place = Path("files") / f"{self._files:06d}"
        (self.folder / place).mkdir()
        return (place / name).as_posix()

    def unacknowledged(self) -> list[Entry]:
        """The next entries to send, about 256 kB, oldest first; a torn last line is left."""
        entries: list[Entry] = []
        start = end = self._offset()
        with (self.folder / "journal.jsonl").open("rb") as lines:
            lines.seek(start)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                end += len(line)
                entries.append(Entry(parse_entry(line), end))
                if end - start >= BATCH_BYTES:
                    break
        return entries

    def acknowledge(self, end: int) -> None:
        """Remember that everything before the offset `end` was delivered."""
        write_text(self.folder / "offset", f"{end}\n")

    def _offset(self) -> int:
        """The end of what was acknowledged; 0 where that is not the end of a line."""
        try:
            offset = int((self.folder / "offset").read_bytes())
            with (self.folder / "journal.jsonl").open("rb") as lines:
                lines.seek(max(offset - 1, 0))
                return offset if lines.read(1) == b"\n" else 0
        except (FileNotFoundError, ValueError):
            return 0

    def close(self) -> None:
        """Let go of the journal; what is not delivered stays for the next process."""
        self._lines.close()
        if not self._lock.closed:
            # Forked workers share the lock: closing the file alone would leave it to them.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            self._lock.close()

    def remove(self) -> None:
        """Delete the journal: everything was delivered."""
        with temporary_folder(self.folder.parent) as gone:
            self.folder.rename(gone / self.folder.name)
            self.close()


def waiting(pending: Path) -> list[Path]:
    """The folders of all journals, oldest first, those of live processes included."""
    if not pending.is_dir():
        return []
    return sorted(path for path in pending.iterdir() if not path.name.startswith("."))


def entries_of(folder: Path) -> list[dict[str, Any]]:
    """All whole entries of a journal, without its lock."""
    content = (folder / "journal.jsonl").read_bytes()
    return [parse_entry(line) for line in content.split(b"\n")[:-1]]


def sent_steps(pending: Path, run: str, delivered: Mapping[str, int]) -> dict[str, int]:
    """The last step of every metric and picture of a run: what was delivered, and what waits."""
    steps = dict(delivered)
    for folder in waiting(pending):
        try:
            if parse_header((folder / "header.json").read_bytes()).get("run") != run:
                continue
            entries = entries_of(folder)
        except (OSError, ValueError):  # just delivered by another process, or damaged
            continue
        for key, step in last_steps(entries).items():
            steps[key] = max(steps.get(key, step), step)
    return steps


def _set_aside(folder: Path, error: Exception) -> None:
    """Keep a journal that cannot be read where nobody stumbles over it again."""
    if not folder.is_dir():  # delivered and removed between the listing and the lock
        return
    place = folder.parent.with_name(DAMAGED) / folder.name
    with suppress(OSError):
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)
        warn(f"{folder}: damaged ({error}): what it holds is not sent; it is kept as {place}")


def _locked(folder: Path) -> IO[str] | None:
    lock = (folder / "lock").open("a+")  # the folder is never made here: it may be on its way out
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
