"""Read photos out of tar files, none of which is trusted."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Self, cast

from tqdm import tqdm

from huescape.atomic import write_bytes
from huescape.errors import HuescapeError
from huescape.progress import bar
from huescape.sources.walk import is_photo_name

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
#: Larger members are refused: a photo is read whole, so a lie about the size must not fill memory.
_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an uncompressed tar: its name there, where its bytes start, how many."""

    name: str
    offset: int
    bytes: int


class _Header(tarfile.TarInfo):
    """Refuses damage that tarfile takes for the end of the archive once one member was read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):  # the true end
                raise
            raise tarfile.ReadError(f"it stops short or is damaged ({error})") from error


def extract_photos(
    archive: Path, root: Path, place: Callable[[PurePosixPath], PurePosixPath | None]
) -> int:
    """Extract the photos that `place` gives a place below `root`; return how many these are.

    `place` maps the name of a member to a path relative to `root`, or None to leave it out. The
    tar, plain or gzipped, is read once from front to end. Each file gets its final name when it is
    whole, and one that is there with the right size is kept, so an interrupted run goes on.
    Links, devices and sparse files are never extracted. Raises HuescapeError for an archive that
    is damaged or incomplete, and for one with a member whose name leaves the folder.
    """
    count = 0
    with _reading(archive) as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it keeps every header it has read
            target = _target(archive, member, place)
            if target is not None:
                _extract(tar, member, root / target)
                count += 1
    return count


def tar_members(archive: Path, start: int = 0, end: int | None = None) -> list[Member]:
    """List the regular files of an uncompressed tar that lies in bytes [start, end) of `archive`.

    Only headers are read. Raises HuescapeError for a file that is no such tar, is damaged, ends
    too early, or has a member whose name leaves the folder.
    """
    with _explained(archive), archive.open("rb") as stream:
        limit = archive.stat().st_size if end is None else end
        stream.seek(start)
        with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Header) as tar:
            return [_member(archive, info, limit) for info in tar if _plain(info)]


@contextmanager
def _reading(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar or tar.gz as a stream, with progress over its bytes; check that it is whole."""
    with _explained(archive), archive.open("rb") as raw:
        shown: tqdm[Any] = bar(total=archive.stat().st_size, desc="extract", unit="B", scale=True)
        counted = cast(BinaryIO, _Counted(raw, shown.update))
        zipped = raw.read(2) == _GZIP
        raw.seek(0)
        content = cast(IO[bytes], gzip.GzipFile(fileobj=counted, mode="rb")) if zipped else counted
        with shown, tarfile.open(fileobj=content, mode="r|", tarinfo=_Header) as tar:
            yield tar
            while content.read(_CHUNK):  # to the end: there gzip has its checksum
                pass


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """Turn what tarfile, gzip and zlib raise into one line."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = " ".join(str(error).split())
        raise HuescapeError(
            f"{archive}: not a tar archive, or damaged or incomplete: {reason}; get it again"
        ) from error
    except OSError as error:
        name = error.filename or archive
        raise HuescapeError(f"{name}: {error.strerror or error}") from error


class _Counted:
    """A file that tells how many bytes of it were read."""

    def __init__(self, raw: BinaryIO, update: Callable[[float], Any]) -> None:
        self._raw = raw
        self._update = update

    def read(self, size: int = -1) -> bytes:
        chunk = self._raw.read(size)
        self._update(len(chunk))
        return chunk


def _target(
    archive: Path,
    member: tarfile.TarInfo,
    place: Callable[[PurePosixPath], PurePosixPath | None],
) -> PurePosixPath | None:
    if not _plain(member):
        return None
    return place(_safe(archive, member.name)) if is_photo_name(Path(member.name).name) else None


def _plain(member: tarfile.TarInfo) -> bool:
    return member.isreg() and not member.issparse()


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise HuescapeError(f"{archive}: refused: it holds the unsafe path {name!r}")
    return path


def _member(archive: Path, info: tarfile.TarInfo, limit: int) -> Member:
    _safe(archive, info.name)
    if info.offset_data + info.size > limit:
        raise tarfile.ReadError(f"it ends within {info.name}")
    return Member(info.name, info.offset_data, info.size)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if target.is_file() and target.stat().st_size == member.size:
        return
    if member.size > _LARGEST:
        raise tarfile.ReadError(f"{member.name} claims {member.size} bytes, no photo has as many")
    source = tar.extractfile(member)
    content = source.read() if source else b""
    if len(content) != member.size:
        raise tarfile.ReadError(f"it ends within {member.name}")
    write_bytes(target, content, durable=False)  # its size tells whether it is whole
