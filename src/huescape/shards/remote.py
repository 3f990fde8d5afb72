"""Shards at an address (S3, or whatever else fsspec reads): columns are fetched when needed.

Each is fetched whole into a cache on this disk and mapped from there, so that what reads it sees
the same bytes as on a disk that holds all of them.
"""

from __future__ import annotations

import errno
import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import fsspec

from huescape.base import digests, runtime
from huescape.base.atomic import write_bytes
from huescape.base.errors import HuescapeError
from huescape.shards.cache import FileCache
from huescape.shards.format import INDEX, read_index, sidecar_file

T = TypeVar("T")
_TRIES, PAUSE_SECONDS = 4, 1.0
# Two at a time fill a link that one, waiting for its first byte, leaves idle.
_FETCHERS = 2
_BLOCK = 1 << 24
# A server that stands still is given up after so many seconds, and tried again by `_tried`.
_S3 = {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 1}}}


class File(NamedTuple):
    """A column of a shard: its name in the folder, and what the index says of its content."""

    name: str
    xxh3: str
    size: int


class Remote:
    """The columns of one folder of shards at an address of fsspec."""

    def __init__(self, address: str, cache: FileCache) -> None:
        self.address, self.cache = address.rstrip("/"), cache
        self._expected: queue.SimpleQueue[File] = queue.SimpleQueue()
        self._wanted: dict[str, File] = {}
        self._asked: set[str] = set()
        self._fetchers: list[threading.Thread] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Remote, (self.address, self.cache)

    def opened(self, file: File, open_file: Callable[[Path], T]) -> T:
        """What `open_file` makes of the cached file, fetched first if need be.

        Raises HuescapeError, in one line, where it cannot be fetched or is not what the index says.
        """
        try:
            return self.cache.opened(file.xxh3, file.size, self._fetch(file), open_file)
        except ValueError as error:
            raise HuescapeError(f"{self.address}/{file.name}: damaged: {error}") from error

    def expect(self, files: Iterable[File]) -> None:
        """Begin to fetch what will be asked for next, in this order, while the caller goes on.

        As many of the first as have room at once. What was expected before is not fetched any more.
        """
        wanted = self._fitting(files)
        if wanted.keys() == self._wanted.keys():
            return
        self._wanted = wanted
        for file in wanted.values():  # those that are there count as used now, and stay
            if file.xxh3 not in self._asked and not self.cache.keeps(file.xxh3):
                self._asked.add(file.xxh3)
                self._expected.put(file)
        if not self._fetchers and self._asked:
            # Daemons: a process that ends does not wait for what nobody will read.
            for _ in range(_FETCHERS):
                thread = threading.Thread(target=self._work, name="shards", daemon=True)
                self._fetchers.append(thread)
                thread.start()

    def _fitting(self, files: Iterable[File]) -> dict[str, File]:
        """By their XXH3; a further one would take the room of one of them."""
        found: dict[str, File] = {}
        room = self.cache.limit
        for file in files:
            if file.xxh3 not in found:
                room -= file.size
                if room < 0:
                    break
                found[file.xxh3] = file
        return found

    def _work(self) -> None:
        while True:
            file = self._expected.get()
            try:
                if file.xxh3 in self._wanted:
                    self.cache.fetched(file.xxh3, file.size, self._fetch(file))
            except Exception:  # whoever needs the file tries again, and says why it cannot be
                pass
            finally:
                self._asked.discard(file.xxh3)

    def _fetch(self, file: File) -> Callable[[Path], None]:
        def fetch(target: Path) -> None:
            _tried(f"{self.address}/{file.name}", lambda: self._copy(file, target))

        return fetch

    def _copy(self, file: File, target: Path) -> None:
        filesystem, path = _located(f"{self.address}/{file.name}")
        remote = filesystem.open(path, "rb", block_size=_BLOCK, cache_type="none")
        with remote as source, target.open("r+b") as stream:
            while block := source.read(_BLOCK):
                stream.write(block)
            found = stream.tell()
        if found != file.size:
            raise ConnectionError(f"{found} bytes came, {file.size} are listed")


def described(local: Path) -> tuple[Path, Remote | None]:
    """Where the shards of folder `local` are described, and where their columns are.

    Without HUESCAPE_SHARDS, in `local` itself. With it, at that address, in a folder of the same
    name: index and sidecars are fetched into the cache now, columns when they are read.

    Raises HuescapeError where they cannot be fetched, or `local` holds other shards.
    """
    address = runtime.shards_address()
    if address is None:
        return local, None
    address = f"{address.rstrip('/')}/{local.name}"
    cache = FileCache(runtime.shards_cache(), runtime.shards_megabytes() * 10**6)
    folder = cache.folder / "described" / hashlib.sha256(address.encode()).hexdigest()[:16]
    folder = folder / local.name
    for name in (digests.SUMS, INDEX):
        write_bytes(folder / name, _read(f"{address}/{name}"))
    if (local / INDEX).exists() and _bytes(local / INDEX) != _bytes(folder / INDEX):
        raise HuescapeError(
            f"{address}: holds other shards than {local}; bring it up to date, or unset "
            f"{runtime.SHARDS}"
        )
    try:
        digests.read_verified(folder / INDEX, "encode")
    except HuescapeError as error:
        raise _in_part(f"{address}/{INDEX}") from error
    for shard in read_index(folder, "targets").shards:
        path = folder / sidecar_file(shard.name)
        if not path.exists() or digests.file_sha256(path) != shard.sidecar:
            write_bytes(path, _read(f"{address}/{path.name}"))
            if digests.file_sha256(path) != shard.sidecar:
                raise _in_part(f"{address}/{path.name}")
    return folder, Remote(address, cache)


def _in_part(address: str) -> HuescapeError:
    return HuescapeError(
        f"{address}: is not what its folder lists: damaged, or copied in part; copy the shards "
        "there again"
    )


def _read(address: str) -> bytes:
    def read() -> bytes:
        filesystem, path = _located(address)
        content: bytes = filesystem.cat_file(path)
        return content

    return _tried(address, read)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror or error}") from error


def _located(address: str) -> tuple[Any, str]:
    """The file system of an address, kept by fsspec from one call to the next, and the path."""
    options = _S3 if address.startswith(("s3://", "s3a://")) else {}
    try:
        return fsspec.core.url_to_fs(address, **options)  # type: ignore[no-any-return]
    except ImportError as error:
        raise HuescapeError(
            f"{address}: {error}; for s3:// it is `pip install 'huescape[s3]'`"
        ) from error
    except ValueError as error:
        raise HuescapeError(
            f"environment variable {runtime.SHARDS}: {address!r}: {error}"
        ) from error


def _tried(address: str, fetch: Callable[[], T]) -> T:
    """What `fetch` gives, tried again where a connection broke; else HuescapeError, one line."""
    for turn in range(_TRIES):
        try:
            return fetch()
        except HuescapeError:
            raise
        except FileNotFoundError as error:
            raise HuescapeError(f"{address}: no such file, or no such bucket") from error
        except PermissionError as error:
            raise HuescapeError(f"{address}: access denied: {error}") from error
        except Exception as error:  # each library of fsspec has its own
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            if turn + 1 == _TRIES or type(error).__name__ == "NoCredentialsError":
                reason = str(error) or type(error).__name__
                raise HuescapeError(f"{address}: cannot be fetched: {reason}") from error
            time.sleep(PAUSE_SECONDS * 2**turn)
    raise AssertionError("unreachable")
