"""Files by the digest of their content, on this disk: a bounded number of bytes, the last used.

Several processes share a folder of them: each file is fetched by one of them, whole or not at all,
and whichever needs room removes what nobody has used for the longest time.
"""

from __future__ import annotations

import fcntl
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from huescape.base.atomic import explained, replace_file
from huescape.base.digests import file_xxh3
from huescape.base.errors import HuescapeError
from huescape.base.exclusive import take
from huescape.base.runtime import SHARDS_MB
from huescape.base.temporaries import PREFIX, sweep

T = TypeVar("T")
#: Writes the content of a file into the one that is given, which has its size already.
Fetch = Callable[[Path], None]
_PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


class FileCache:
    """Files in `folder`, `limit` bytes of them at most, each named by its XXH3 (128 bits, hex)."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._sound: set[str] = set()

    def keeps(self, xxh3: str) -> bool:
        """Whether the file is there; it counts as used now."""
        try:
            _touch(self.folder / xxh3)
        except OSError:
            return False
        return True

    def opened(self, xxh3: str, size: int, fetch: Fetch, open_file: Callable[[Path], T]) -> T:
        """What `open_file` makes of the file, fetched first if it is not there.

        Raises what `fetched` and `open_file` raise.
        """
        while True:
            self.fetched(xxh3, size, fetch)
            with self._alone("room"):  # or another process might remove it in between
                if self.keeps(xxh3):
                    return open_file(self.folder / xxh3)

    def fetched(self, xxh3: str, size: int, fetch: Fetch) -> None:
        """Make sure that the file is there, and as its name says.

        Raises HuescapeError where it is larger than the cache or the disk refuses, and what `fetch`
        raises, or ValueError where that wrote something else.
        """
        if self._is_there(xxh3):
            return
        with self._alone(xxh3):
            if not self._is_there(xxh3):  # no other process was faster
                self._fetch(xxh3, size, fetch)

    def _is_there(self, xxh3: str) -> bool:
        """A file that another process or an earlier one fetched is read once: disks rot."""
        if not self.keeps(xxh3):
            return False
        if xxh3 not in self._sound:
            with suppress(OSError):
                if file_xxh3(self.folder / xxh3) == xxh3:
                    self._sound.add(xxh3)
                    return True
            (self.folder / xxh3).unlink(missing_ok=True)
            return False
        return True

    def _fetch(self, xxh3: str, size: int, fetch: Fetch) -> None:
        with replace_file(self.folder / xxh3, durable=False) as temporary:
            self._await_room(temporary, size)
            fetch(temporary)
            if file_xxh3(temporary) != xxh3:
                raise ValueError("its XXH3 is not the one that is listed")
            _touch(temporary)
        self._sound.add(xxh3)

    def _await_room(self, temporary: Path, size: int) -> None:
        """Others are fetching, and will be done; who waits for long says for what."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while not self._has_room(temporary, size):
            if time.monotonic() > patience:
                patience = math.inf
                print(
                    f"huescape: {self.folder}: waits for room: {self.limit / 1e6:.1f} MB "
                    f"({SHARDS_MB}) are taken by what others fetch; files {PREFIX}* there whose "
                    "process has ended on another machine can be removed",
                    file=sys.stderr,
                )
            time.sleep(_PAUSE_SECONDS)
            sweep(self.folder)

    def _has_room(self, temporary: Path, size: int) -> bool:
        """Give the file its size, which then counts; what was not used for long makes room."""
        if size > self.limit:
            raise HuescapeError(
                f"{self.folder}: may hold {self.limit / 1e6:.1f} MB, but a file has "
                f"{size / 1e6:.1f} MB; set {SHARDS_MB} to more"
            )
        with self._alone("room"):
            found = sorted(self._files())
            total = sum(one_size for _, one_size, _ in found) + size
            for _, one_size, path in found:
                if total <= self.limit:
                    break
                if not path.name.startswith(PREFIX):
                    path.unlink(missing_ok=True)
                    total -= one_size
            if total <= self.limit:
                os.truncate(temporary, size)
            return total <= self.limit

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """Last use, size and path of each."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.is_file():
                        stat = entry.stat()
                        yield stat.st_mtime_ns, stat.st_size, Path(entry.path)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Keep other threads and processes out of what goes by this name."""
        try:
            stream = take(self.folder / "locks" / name, math.inf)
        except OSError as error:
            raise explained(error, self.folder / "locks" / name) from error
        assert stream is not None
        with stream:
            try:
                yield
            finally:  # forked processes share the lock: closing alone would leave it to them
                fcntl.flock(stream, fcntl.LOCK_UN)


def _touch(path: Path) -> None:
    """Used now; the kernel's own now stands still for milliseconds, in which uses have no order."""
    now = time.time_ns()
    try:
        os.utime(path, ns=(now, now))
    except PermissionError:  # another user's, who allows others the kernel's now, or nothing
        with suppress(PermissionError):
            os.utime(path)
