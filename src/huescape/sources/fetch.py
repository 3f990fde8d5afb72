"""Download one large file over HTTP: resumed after a break, and verified."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from tqdm import tqdm

from huescape.base.atomic import write_json
from huescape.base.errors import HuescapeError
from huescape.base.exclusive import take
from huescape.base.masking import mask
from huescape.base.progress import bar
from huescape.sources.hashing import file_digest
from huescape.sources.pace import Pace, Patience
from huescape.sources.web import SCHEMES, Answer, LostError, answered

_CHUNK = 1 << 20
_GB = 1e9
#: Answers of a server that may be different in a minute; every other error is final.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
#: Enough of a file to say what it is: the first look, and the last one.
_GLANCE, _LOOK = 512, 1 << 16

#: Says what is wrong with a file by its first bytes, or None; with `whole`, these are all that
#: there will be to judge by.
Refuse = Callable[[bytes, bool], str | None]


def fetch(
    url: str,
    target: Path,
    md5: str | None = None,
    *,
    refuse: Refuse | None = None,
    room: Callable[[int], None] | None = None,
    patience: Patience | None = None,
) -> None:
    """Download `url` to `target`, by way of `<target>.part`.

    A partial file is continued with a range request if the server still has the same file (its
    ETag or Last-Modified, or a known md5 that will tell), and started anew otherwise. `refuse`
    looks at the first bytes: what it finds wrong is removed and never gets its name. `room` is
    called with the number of bytes still to come before the first of them is written, of a file
    whose beginning `refuse` has passed; it raises when the disk is too small. Raises HuescapeError
    for an address that does not exist, a connection lost or too slow too often, a full disk, or a
    checksum that differs.
    """
    if (
        url.partition("://")[0].lower() not in SCHEMES
    ):  # not quoted: where its secrets are cannot be told
        raise HuescapeError(
            f"{target}: cannot be downloaded: its address does not begin with http:// or https://"
        )
    patience = patience or Patience()
    room = room or (lambda size: check_room(target, size))
    download = _Download(url, target, md5, refuse, room, Pace(patience))
    with download.alone():
        _persist(download, patience)
        download.finish()


def _persist(download: _Download, patience: Patience) -> None:
    """Try until everything has come, or there was no progress for too long."""
    failures, furthest, since = 0, download.have(), time.monotonic()
    while True:
        try:
            download.attempt(patience.timeout)
            return
        except LostError as error:
            gained, now = download.have() - furthest, time.monotonic()
            enough = gained > 0 and gained >= patience.min_rate * (now - since)
            failures, since = (0 if enough else failures + 1), now
            furthest = max(furthest, download.have())
            if failures >= patience.tries:
                reason = f"no progress in {failures} tries: {error}"
                raise download.stopped(reason) from error
            pause = patience.pause * 2**failures
            if error.wait is not None:
                pause = max(pause, error.wait)
                since += pause
                if pause > patience.longest_wait:
                    reason = f"{error}, and the server asks to wait {pause:.0f} s"
                    raise download.stopped(reason) from error
            note = mask(f"{download.url}: {error}; trying again in {pause:.0f} s")
            tqdm.write(f"huescape: warning: {note}", file=sys.stderr)
            time.sleep(pause)


def check_room(path: Path, size: int, what: str = "the download") -> None:
    """Raise HuescapeError if the disk of `path` has no room for `size` more bytes."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(folder).free
    if size > free:
        raise HuescapeError(
            f"{folder}: no room for {what}: {size / _GB:.1f} GB needed, {free / _GB:.1f} GB free"
        )


class _Download:
    """One download and its partial file."""

    def __init__(
        self,
        url: str,
        target: Path,
        md5: str | None,
        refuse: Refuse | None,
        room: Callable[[int], None],
        pace: Pace,
    ) -> None:
        self.url, self.target, self.md5, self.room = url, target, md5, room
        self.refuse, self.pace = refuse, pace
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")  # what the partial file is of
        self.asked = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the partial file, so that no other process writes it; an empty one goes."""
        try:
            held = take(self.part)
            if held is None:
                raise HuescapeError(f"{self.part}: another process downloads it; wait for it")
            with held:
                try:
                    yield
                finally:
                    if self.part.is_file() and not self.have():
                        self._remove()
        except OSError as error:
            raise HuescapeError(f"cannot write {self.part}: {error.strerror}") from error

    def have(self) -> int:
        """Bytes of the partial file."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def stopped(self, reason: str) -> HuescapeError:
        """The error that ends a download which can go on another time."""
        return HuescapeError(
            f"{self.url}: {reason}; {self.have()} bytes are kept in {self.part}, run again to go on"
        )

    def attempt(self, timeout: float) -> None:
        """Ask for what is missing and append it; raises LostError if that is not all of it."""
        if reason := self.pace.over:
            raise self.stopped(reason)
        self.pace.start()
        headers, note = self._range(), self._read_note()
        with answered(self.url, headers, timeout) as answer:
            if answer.status == 416 and headers:
                self._check_complete(answer)
            elif answer.status not in (200, 206):
                raise self._refused(answer)
            elif answer.status == 206 and headers and answer.validator != note.get("validator"):
                raise self._anew()
            else:
                self._receive(answer)

    def finish(self) -> None:
        """Verify the partial file and give it its name."""
        self._inspect(whole=True)
        if self.md5 is not None:
            self._verify(self.md5)
        self.part.replace(self.target)
        self.note.unlink(missing_ok=True)

    def _verify(self, md5: str) -> None:
        """Set a file with another checksum aside, so that the next run does not continue it."""
        try:
            check_md5(self.part, md5, self.url)
        except HuescapeError as error:
            aside = self.target.with_name(self.target.name + ".corrupt")
            self.part.replace(aside)
            raise HuescapeError(f"{error}; the file is kept as {aside}") from error

    def _range(self) -> dict[str, str]:
        """The headers that ask for what is missing; none to ask for everything."""
        have, note = self.have(), self._read_note()
        validator = note.get("validator")
        # Masked: a new signature on the same address is no other file.
        if not have or note.get("url") != mask(self.url) or not (validator or self.md5):
            return {}
        condition = {"If-Range": validator} if validator else {}
        return {"Range": f"bytes={have}-", **condition}

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(note, dict) or not _is_header(note.get("validator")):
            return {}  # a damaged one: the file is started anew
        return note

    def _receive(self, answer: Answer) -> None:
        if answer.start not in (0, self.have()):
            raise LostError(f"the server sent bytes from {answer.start}")
        first = self._first(answer)
        if not self.asked and answer.total is not None:
            self.room(answer.total - self.have())  # a partial file that is started anew is freed
            self.asked = True
        self._append(answer, first)
        if answer.total is not None and self.have() != answer.total:
            raise LostError(f"{self.have()} of {answer.total} bytes came")

    def _first(self, answer: Answer) -> bytes:
        """The first bytes of a new file; a page is no file that room is asked for."""
        if answer.start:
            return b""
        first = answer.read(min(_GLANCE, answer.total or _GLANCE))
        if len(first) == _GLANCE:
            self._judge(first, whole=False)
        return first

    def _append(self, answer: Answer, chunk: bytes) -> None:
        stream = FileIO(self.part, "ab" if answer.start else "wb")
        write_json(self.note, {"url": mask(self.url), "validator": answer.validator})
        desc, at = f"download {self.target.name}", answer.start
        shown: tqdm[Any] = bar(total=answer.total, desc=desc, unit="B", initial=at, scale=True)
        end = answer.total or sys.maxsize
        with stream, shown:
            while at < end and (chunk := chunk or answer.read(min(_CHUNK, end - at))):
                _write(stream, chunk, self.part)
                shown.update(len(chunk))
                begun, at = at, at + len(chunk)
                if 0 < begun < _GLANCE <= at:  # it came in small pieces
                    self._inspect(whole=False)
                self.pace.count(len(chunk))
                chunk = b""
                if reason := self.pace.over:
                    raise self.stopped(reason)

    def _inspect(self, whole: bool) -> None:
        """Remove a file that is not what it should be, as its first bytes tell."""
        with self.part.open("rb") as stream:
            self._judge(stream.read(_LOOK), whole)

    def _judge(self, first: bytes, whole: bool) -> None:
        problem = self.refuse(first, whole) if self.refuse else None
        if problem is not None:
            self._forget()
            raise HuescapeError(
                f"{self.url}: the server sends {problem}; it was removed; "
                f"check `url`, or put the file at {self.target} yourself"
            )

    def _remove(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Empty the partial file; it stays, because it is held."""
        os.truncate(self.part, 0)
        self.note.unlink(missing_ok=True)

    def _anew(self) -> LostError:
        self._forget()
        return LostError("the file on the server is another one now")

    def _check_complete(self, answer: Answer) -> None:
        """After 416 (nothing at that position): the partial file may already be all of it."""
        if answer.total != self.have():
            raise self._anew()

    def _refused(self, answer: Answer) -> Exception:
        said = f"{answer.status} {answer.reason}"
        if answer.status in _PASSING:
            return LostError(f"HTTP {said}", answer.wait)
        return HuescapeError(
            f"{self.url}: the server answers {said}; "
            f"check `url`, or put the file at {self.target} yourself"
        )


def check_md5(path: Path, md5: str, origin: str) -> None:
    """Raise HuescapeError that names both checksums if the MD5 of `path` is not `md5`."""
    try:
        actual = file_digest(path, "md5", f"verify {path.name}")
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror}") from error
    if actual != md5:
        raise HuescapeError(f"{origin}: checksum differs: md5 is {actual}, expected {md5}")


def _is_header(value: Any) -> bool:
    """Whether a validator, if there is one, can be sent back to the server."""
    if not isinstance(value, str):
        return value is None
    return value.isascii() and value.isprintable() and value == value.strip()


def _write(stream: FileIO, chunk: bytes, part: Path) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[stream.write(left) :]
    except OSError as error:
        raise HuescapeError(
            f"cannot write {part}: {error.strerror}; what came is kept, run again to go on"
        ) from error
