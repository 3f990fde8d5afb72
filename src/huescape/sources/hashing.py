"""SHA-256 of many photos, and a cache so that a second look at unchanged ones is quick."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tqdm import tqdm

from huescape.base import runtime
from huescape.base.atomic import write_text
from huescape.base.errors import HuescapeError
from huescape.base.progress import bar
from huescape.sources.listing import Found

_CHUNK = 1 << 20
_BATCH = 64
#: A file younger than this may change again without a new time stamp: it is not remembered.
_SETTLED_NS = 2_000_000_000
#: The size in a line that takes back what the lines before it say of a photo.
_FORGOTTEN = -1

#: absolute path, offset (-1: whole file), bytes, modification and status change time (ns)
Stamp = tuple[str, int, int, int, int]


class HashCache:
    """Remembered hashes, valid while a file's size and times stay the same.

    A journal of one JSON line a photo, so an interrupted run keeps what it had; lines that cannot
    be read, or do not hold the CRC-32 of the rest, are ignored, and only cost a new hash. Not for
    two processes at a time to depend on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Stamp, str] = {}
        self._stream: IO[str] | None = None

    def __enter__(self) -> HashCache:
        try:
            self._load()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("a", encoding="utf-8")
        except (OSError, HuescapeError) as error:
            self._forgo(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if self._stream is not None:
                self._stream.close()
        except OSError as refusal:
            self._forgo(refusal)

    def get(self, stamp: Stamp) -> str | None:
        """The hash of a photo that is as it was, or None."""
        return self._known.get(stamp)

    def add(self, stamp: Stamp, sha256: str) -> None:
        """Remember a hash, unless the file is too young to be told apart from its next version."""
        if time.time_ns() - max(stamp[3], stamp[4]) > _SETTLED_NS:
            self._known[stamp] = sha256
            try:
                if self._stream is not None:
                    self._stream.write(_line(stamp, sha256))
            except OSError as error:
                self._forgo(error)

    def _forgo(self, error: Exception) -> None:
        """Go on without remembering: it saves time, and decides nothing."""
        self._stream = None
        reason = error.strerror if isinstance(error, OSError) else error
        print(
            f"huescape: {self._path}: {reason}; the hashes of photos are not remembered",
            file=sys.stderr,
        )

    def _load(self) -> None:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        latest: dict[tuple[str, int], tuple[Stamp, str]] = {}
        for line in lines:
            parsed = _parse(line)
            if parsed is not None:
                latest[parsed[0][:2]] = parsed
        self._known = dict(entry for entry in latest.values() if entry[0][2] != _FORGOTTEN)
        if len(lines) > 2 * len(self._known):
            write_text(self._path, "".join(_line(*item) for item in self._known.items()))
        elif lines:  # a run that was killed may have left half a line
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write("\n")


def cache_file() -> Path:
    """Where the hashes of this project's photos are remembered."""
    return runtime.state_dir() / "hashes.jsonl"


def changed_photo(path: Path, offset: int | None) -> HuescapeError:
    """What to say of a photo whose bytes are not those that were listed; its hash is forgotten.

    A disk that loses a bit changes neither size nor times: the next listing would take the hash
    that is remembered, and the stage after it would say the same again, for ever.
    """
    at = -1 if offset is None else offset
    stamp = (os.path.abspath(path), at, _FORGOTTEN, 0, 0)  # noqa: PTH100
    with suppress(OSError), cache_file().open("a", encoding="utf-8") as stream:
        stream.write("\n" + _line(stamp, "0" * 64))
    return HuescapeError(
        f"{path}: changed since it was listed; run `dvc repro -f download`, then go on"
    )


def hash_photos(photos: Sequence[Found], cache: HashCache, workers: int) -> list[str]:
    """Return the SHA-256 of each photo's bytes, in hex, in order.

    Files are read by `workers` threads (hashing and reading release the interpreter lock). Raises
    HuescapeError that names a file that cannot be read or that changed while it was read.
    """
    hashes: list[str] = []
    batches = [photos[i : i + _BATCH] for i in range(0, len(photos), _BATCH)]
    shown: tqdm[Any] = bar(total=len(photos), desc="hash")
    with ThreadPoolExecutor(workers) as pool, shown:
        try:
            for results in pool.map(lambda batch: list(_hash_batch(batch, cache)), batches):
                for stamp, sha256 in results:
                    hashes.append(sha256)
                    if cache.get(stamp) is None:
                        cache.add(stamp, sha256)
                shown.update(len(results))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return hashes


def file_digest(path: Path, algorithm: str, desc: str) -> str:
    """Hash one large file, with progress; returns the digest in hex."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    shown: tqdm[Any] = bar(total=path.stat().st_size, desc=desc, unit="B", scale=True)
    with shown, path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            shown.update(len(chunk))
    return digest.hexdigest()


def _hash_batch(batch: Sequence[Found], cache: HashCache) -> Iterator[tuple[Stamp, str]]:
    for photo in batch:
        try:
            before = _stamp(photo)
            sha256 = cache.get(before) or _sha256(photo)
            after = _stamp(photo)
        except OSError as error:
            raise HuescapeError(f"{photo.path}: cannot be read: {error.strerror}") from error
        if before != after or before[2] != photo.bytes:
            raise HuescapeError(f"{photo.path}: changed while it was read; run again")
        yield before, sha256


def _sha256(photo: Found) -> str:
    digest = hashlib.sha256()
    left = photo.bytes
    with photo.path.open("rb", buffering=0) as stream:
        stream.seek(photo.offset or 0)
        while left and (chunk := stream.read(min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
    if left:
        raise HuescapeError(f"{photo.path}: ends {left} bytes too early for {photo.key}")
    return digest.hexdigest()


def _stamp(photo: Found) -> Stamp:
    status = photo.path.stat()
    path = os.path.abspath(photo.path)  # noqa: PTH100
    whole = photo.offset is None
    offset, size = (-1, status.st_size) if whole else (photo.offset or 0, photo.bytes)
    return path, offset, size, status.st_mtime_ns, status.st_ctime_ns


def _line(stamp: Stamp, sha256: str) -> str:
    values = [*stamp, sha256]
    return json.dumps([*values, _check(values)]) + "\n"


def _check(values: Sequence[object]) -> str:
    """A wrong digit in a line would be another hash, or another photo's, and no error."""
    return f"{zlib.crc32(json.dumps(values).encode()):08x}"


def _parse(line: str) -> tuple[Stamp, str] | None:
    try:
        *values, check = json.loads(line)
        path, offset, size, modified, changed, sha256 = values
    except (ValueError, TypeError, RecursionError):
        return None
    if check != _check(values):
        return None
    if not (isinstance(path, str) and isinstance(sha256, str) and len(sha256) == 64):
        return None
    numbers = (offset, size, modified, changed)
    if not all(isinstance(number, int) for number in numbers):
        return None
    return (path, *numbers), sha256
