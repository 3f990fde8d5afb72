"""Read photos out of tar files, none of which is trusted."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Self, cast

from tqdm import tqdm

from huescape.base.atomic import write_bytes
from huescape.base.errors import HuescapeError
from huescape.base.progress import bar
from huescape.sources.walk import is_photo_name

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
#: Larger members are refused: a photo is read whole, so a lie about the size must not fill memory.
LARGEST = 1 << 30
#: The same for a name, and whatever else a header of its own may say of the next member.
_LARGEST_HEADER = 1 << 20
#: And for a table beside the photos.
_LARGEST_TABLE = 1 << 24
_HEADERS = (b"x", b"g", b"X", b"L", b"K")
#: What tarfile, gzip and zlib raise at bytes that somebody chose; RecursionError at headers of
#: headers of headers.
_BROKEN = (
    *(tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, OverflowError, LookupError, RecursionError),
)
#: Where photos lie while their archive is not read to its end: hidden, so never listed.
_STAGING = ".huescape-extracting"
#: How files begin that are taken for archives by their name.
_OTHERS = (
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<", "a web page or XML"),
    (b"{", "JSON text"),
    (b"pk\x03\x04", "a zip archive"),
    (b"bzh", "a bzip2 file"),
    (b"\xfd7zxz", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"rar!", "a rar archive"),
    (b"%pdf", "a PDF document"),
)


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
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):  # the true end
                raise
            raise tarfile.ReadError(f"it stops short or is damaged ({error})") from error
        if header.size < 0 or (header.type in _HEADERS and header.size > _LARGEST_HEADER):
            raise tarfile.ReadError(f"a header claims {header.size} bytes")
        return header


def extract_photos(
    archive: Path, root: Path, place: Callable[[PurePosixPath], PurePosixPath | None]
) -> int:
    """Extract the photos that `place` gives a place below `root`; return how many these are.

    `place` maps the name of a member to a path relative to `root`, or None to leave it out. The
    tar, plain or gzipped, is read once from front to end. Photos lie in a hidden folder of `root`
    until the archive was read without an error, so none of a damaged one gets its name; what an
    interrupted run left there, and what is at its place already, is compared and written anew
    where it differs. Links, devices and sparse files are never extracted. Raises HuescapeError
    for an archive that is damaged or incomplete, and for one with a member whose name leaves the
    folder.
    """
    placed: set[PurePosixPath] = set()
    staging = root / _STAGING
    with _reading(archive) as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it keeps every header it has read
            target = _target(archive, member, place)
            if target is not None:
                _extract(tar, member, root / target, staging / target)
                placed.add(target)
    _settle(staging, root, placed)
    return len(placed)


def archive_problem(start: bytes, whole: bool = True) -> str | None:
    """Say what a file is that begins with `start` if it is no tar, plain or gzipped; else None.

    Without `whole`, None too where more bytes may show that it is one.
    """
    if not start:
        return "an empty file"
    if not start.startswith(_GZIP):
        lower = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        known = next((name for magic, name in _OTHERS if lower.startswith(magic)), None)
        return None if _is_tar(start) else known or "no tar archive"
    try:
        inner = zlib.decompressobj(wbits=31).decompress(start, tarfile.BLOCKSIZE)
    except zlib.error:
        return "a damaged gzip file"
    if len(inner) < tarfile.BLOCKSIZE and not whole:
        return None
    return None if _is_tar(inner) else "a gzip file without a tar archive"


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


def read_members(archive: Path, ends: Sequence[str]) -> dict[str, bytes]:
    """The content of the members of a tar whose paths end so, by that end; others are passed over.

    The tar, plain or gzipped, is read once from front to end; of two members with one end the later
    counts. Raises HuescapeError for an archive that is damaged or incomplete, or for such a member
    that is larger than 16 MiB.
    """
    found: dict[str, bytes] = {}
    with _reading(archive) as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it keeps every header it has read
            end = next((end for end in ends if f"/{member.name}".endswith(f"/{end}")), None)
            if end is None or not _plain(member):
                continue
            if member.size > _LARGEST_TABLE:
                raise tarfile.ReadError(f"{member.name} claims {member.size} bytes")
            found[end] = _content(tar, member)
    return found


@contextmanager
def _reading(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar or tar.gz as a stream, with progress over its bytes; check that it is whole."""
    with _explained(archive), archive.open("rb") as raw:
        shown: tqdm[Any] = bar(total=archive.stat().st_size, desc="extract", unit="B", scale=True)
        counted = cast(BinaryIO, _Counted(raw, shown.update))
        start = raw.read(_CHUNK)
        raw.seek(0)
        if problem := archive_problem(start):
            raise tarfile.ReadError(f"it is {problem}")
        zipped = start.startswith(_GZIP)
        content = cast(IO[bytes], gzip.GzipFile(fileobj=counted, mode="rb")) if zipped else counted
        with shown, tarfile.open(fileobj=content, mode="r|", tarinfo=_Header) as tar:
            yield tar
            while content.read(_CHUNK):  # to the end: there gzip has its checksum
                pass


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """Turn what goes wrong with the bytes, or the disk, into one line."""
    try:
        yield
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
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
    if not is_photo_name(Path(member.name).name):
        return None
    path = safe_path(archive, member.name)
    if member.name.encode("utf-8", "ignore").decode() != member.name:  # no list could hold it
        raise HuescapeError(f"{archive}: refused: the name {member.name!r} in it is not UTF-8")
    return place(path)


def _plain(member: tarfile.TarInfo) -> bool:
    return member.isreg() and not member.issparse()


def _is_tar(start: bytes) -> bool:
    """Whether a tar begins so: by the checksum of its first header, or with the end of an empty."""
    try:
        tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        return True
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def safe_path(archive: Path, name: str) -> PurePosixPath:
    """The path of a member; HuescapeError for one that may leave the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise HuescapeError(f"{archive}: refused: it holds the unsafe path {name!r}")
    return path


def _member(archive: Path, info: tarfile.TarInfo, limit: int) -> Member:
    safe_path(archive, info.name)
    if info.size < 0 or info.offset_data + info.size > limit:
        raise tarfile.ReadError(f"it ends within {info.name}")
    return Member(info.name, info.offset_data, info.size)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, staged: Path) -> None:
    """Put a photo at `staged`, unless it is at its final `target` already, byte for byte."""
    if not 0 <= member.size <= LARGEST:
        raise tarfile.ReadError(f"{member.name} claims {member.size} bytes, no photo has as many")
    content = _content(tar, member)
    if _holds(target, content):
        staged.unlink(missing_ok=True)  # the earlier of two members with one name
    elif not _holds(staged, content):
        write_bytes(staged, content, durable=False)  # compared when the archive is read again


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(member)
    content = source.read() if source else b""
    if len(content) != member.size:
        raise tarfile.ReadError(f"it ends within {member.name}")
    return content


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file is there with these bytes."""
    if not path.is_file() or path.stat().st_size != len(content):
        return False
    return path.read_bytes() == content


def _settle(staging: Path, root: Path, placed: set[PurePosixPath]) -> None:
    """Give the photos of an archive that was read to its end their names."""
    try:
        for staged in [path for path in staging.rglob("*") if path.is_file()]:
            name = staged.relative_to(staging)
            if PurePosixPath(name) in placed:  # else a damaged archive had it
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                staged.replace(root / name)
        shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise HuescapeError(f"{error.filename or root}: {error.strerror or error}") from error
