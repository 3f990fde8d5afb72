"""Extract photos from zip files, none of which is trusted."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from huescape.base.atomic import fresh_directory, write_bytes
from huescape.base.errors import HuescapeError
from huescape.base.progress import progress
from huescape.sources.archives import LARGEST, safe_path
from huescape.sources.fetch import check_room
from huescape.sources.walk import is_photo_name

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError),
    *(NotImplementedError, ValueError, OverflowError, LookupError),
)


def zip_problem(start: bytes, whole: bool = True) -> str | None:
    """Say so if no zip file begins with `start`; else None."""
    return None if start.startswith(b"PK\x03\x04") else "no zip archive"


def extract_zip(archive: Path, target: Path) -> int:
    """Extract the photos of a zip file, without their folders, to a new folder; return how many.

    `target` is there whole or not at all: each photo is compared with its CRC-32. Links are never
    extracted. Raises HuescapeError for an archive that is damaged, incomplete, encrypted or without
    a photo, with a member whose path leaves the folder or two photos of one name, and for a disk
    that is too small.
    """
    with _explained(archive), zipfile.ZipFile(archive) as zipped:
        members = _photos(archive, zipped)
        if not members:
            raise HuescapeError(f"{archive}: holds no photo")
        check_room(target, sum(member.file_size for member in members.values()), "its photos")
        with fresh_directory(target) as folder:
            for name, member in progress(members.items(), total=len(members), desc="extract"):
                write_bytes(folder / name, zipped.read(member), durable=False)
    return len(members)


def _photos(archive: Path, zipped: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for member in zipped.infolist():
        path: PurePosixPath = safe_path(archive, member.filename)
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if member.is_dir() or is_link or not is_photo_name(path.name):
            continue
        if member.file_size > LARGEST:
            raise zipfile.BadZipFile(f"{path} claims {member.file_size} bytes")
        if path.name in found:
            raise HuescapeError(f"{archive}: refused: it holds two photos {path.name!r}")
        found[path.name] = member
    return found


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """Turn what goes wrong with the bytes, or the disk, into one line."""
    try:
        yield
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise HuescapeError(
            f"{archive}: not a zip archive, or damaged or incomplete: {reason}; remove it and "
            "get it again"
        ) from error
    except OSError as error:
        raise HuescapeError(f"{error.filename or archive}: {error.strerror or error}") from error
