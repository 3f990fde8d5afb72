"""Download one large file over HTTP: resumed after a break, and verified."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from io import FileIO
from pathlib import Path
from typing import Any

from tqdm import tqdm

from huescape import __version__
from huescape.atomic import write_json
from huescape.errors import HuescapeError
from huescape.progress import bar
from huescape.sources.hashing import file_digest

_CHUNK = 1 << 20
_GB = 1e9
#: Answers of a server that may be different in a minute; every other error is final.
_PASSING = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Patience:
    """How long to go on: `tries` in a row that bring no new byte, `pause` seconds between them
    (doubled each time), and `timeout` seconds of silence that count as a lost connection."""

    tries: int = 5
    pause: float = 2.0
    timeout: float = 60.0


@dataclass(frozen=True)
class _Answer:
    """What the server is about to send: bytes from `start`, of `total` in all if it says so."""

    start: int
    total: int | None
    validator: str | None


class _LostError(Exception):
    """The connection broke, or the server is busy: worth another try."""


def fetch(
    url: str,
    target: Path,
    md5: str | None = None,
    *,
    room: Callable[[int], None] | None = None,
    patience: Patience | None = None,
) -> None:
    """Download `url` to `target`, by way of `<target>.part`.

    A partial file is continued with a range request if the server still has the same file (its
    ETag or Last-Modified, or a known md5 that will tell), and started anew otherwise. `room` is
    called with the number of bytes still to come before the first of them is written; it raises
    when the disk is too small. Raises HuescapeError for an address that does not exist, a
    connection lost too often, a full disk, or a checksum that differs.
    """
    if not url.startswith(("http://", "https://")):
        raise HuescapeError(f"{url}: only http:// and https:// addresses can be downloaded")
    patience = patience or Patience()
    download = _Download(url, target, md5, room or (lambda size: check_room(target, size)))
    failures, furthest = 0, download.have()
    while True:
        try:
            download.attempt(patience.timeout)
            break
        except _LostError as error:
            failures = 0 if download.have() > furthest else failures + 1
            furthest = max(furthest, download.have())
            if failures >= patience.tries:
                raise HuescapeError(
                    f"{url}: no progress in {failures} tries: {error}; "
                    f"{download.have()} bytes are kept in {download.part}, run again to go on"
                ) from error
            pause = patience.pause * 2**failures
            note = f"{url}: {error}; trying again in {pause:.0f} s"
            tqdm.write(f"huescape: warning: {note}", file=sys.stderr)
            time.sleep(pause)
    download.finish()


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
        self, url: str, target: Path, md5: str | None, room: Callable[[int], None]
    ) -> None:
        self.url, self.target, self.md5, self.room = url, target, md5, room
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")  # what the partial file is of
        self.asked = False

    def have(self) -> int:
        """Bytes of the partial file."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def attempt(self, timeout: float) -> None:
        """Ask for what is missing and append it; raises _LostError if that is not all of it."""
        try:
            with urllib.request.urlopen(self._request(), timeout=timeout) as response:
                self._receive(response)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not self._is_complete(error.headers):
                self._refused(error)
        except http.client.InvalidURL as error:
            raise HuescapeError(f"{self.url}: not an address: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise _LostError(str(reason) or type(reason).__name__) from error

    def finish(self) -> None:
        """Verify the partial file and give it its name."""
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

    def _request(self) -> urllib.request.Request:
        headers = {"User-Agent": f"huescape/{__version__}", "Accept-Encoding": "identity"}
        have, note = self.have(), self._read_note()
        if have and note.get("url") == self.url and (note.get("validator") or self.md5):
            headers["Range"] = f"bytes={have}-"
            if note.get("validator"):
                headers["If-Range"] = note["validator"]
        return urllib.request.Request(self.url, headers=headers)

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _receive(self, response: http.client.HTTPResponse) -> None:
        answer = _answer(response.status, response.headers)
        if answer.start not in (0, self.have()):
            raise _LostError(f"the server sent bytes from {answer.start}")
        if not self.asked and answer.total is not None:
            self.room(answer.total - self.have())  # a partial file that is started anew is freed
            self.asked = True
        self._append(response, answer)
        if answer.total is not None and self.have() != answer.total:
            raise _LostError(f"{self.have()} of {answer.total} bytes came")

    def _append(self, response: http.client.HTTPResponse, answer: _Answer) -> None:
        try:
            self.part.parent.mkdir(parents=True, exist_ok=True)
            stream = FileIO(self.part, "ab" if answer.start else "wb")
        except OSError as error:
            raise HuescapeError(f"cannot write {self.part}: {error.strerror}") from error
        write_json(self.note, {"url": self.url, "validator": answer.validator})
        desc, at = f"download {self.target.name}", answer.start
        shown: tqdm[Any] = bar(total=answer.total, desc=desc, unit="B", initial=at, scale=True)
        with stream, shown:
            # read1: what came before a break is kept, not only whole chunks
            while at != answer.total and (chunk := response.read1(_CHUNK)):
                _write(stream, chunk, self.part)
                shown.update(len(chunk))
                at += len(chunk)

    def _is_complete(self, headers: Message) -> bool:
        """After 416 (nothing at that position): whether the partial file is already all of it."""
        total = (headers.get("Content-Range") or "").rpartition("/")[2]
        if total.isdigit() and int(total) == self.have():
            return True
        self.part.unlink(missing_ok=True)
        raise _LostError("the file on the server is another one now")

    def _refused(self, error: urllib.error.HTTPError) -> None:
        if error.code in _PASSING:
            raise _LostError(f"HTTP {error.code} {error.reason}") from error
        raise HuescapeError(
            f"{self.url}: the server answers {error.code} {error.reason}; "
            f"check `url`, or put the file at {self.target} yourself"
        ) from error


def check_md5(path: Path, md5: str, origin: str) -> None:
    """Raise HuescapeError that names both checksums if the MD5 of `path` is not `md5`."""
    try:
        actual = file_digest(path, "md5", f"verify {path.name}")
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror}") from error
    if actual != md5:
        raise HuescapeError(f"{origin}: checksum differs: md5 is {actual}, expected {md5}")


def _answer(status: int, headers: Message) -> _Answer:
    length = headers.get("Content-Length") or ""
    total = int(length) if length.isdigit() else None
    validator = headers.get("ETag") or headers.get("Last-Modified")
    if validator and validator.startswith("W/"):  # a weak one does not promise equal bytes
        validator = headers.get("Last-Modified")
    if status != 206:
        return _Answer(0, total, validator)
    matched = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range") or "")
    if matched is None:
        raise _LostError("the server's Content-Range cannot be read")
    return _Answer(int(matched[1]), int(matched[2]), validator)


def _write(stream: FileIO, chunk: bytes, part: Path) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[stream.write(left) :]
    except OSError as error:
        raise HuescapeError(
            f"cannot write {part}: {error.strerror}; what came is kept, run again to go on"
        ) from error
