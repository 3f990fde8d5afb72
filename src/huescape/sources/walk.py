"""Find the photos in a tree of folders, in one order on every machine."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from huescape.base.errors import HuescapeError

#: What `photos.formats` reads; a test compares.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp", ".bmp"),
    *(".gif", ".jp2", ".j2k", ".jpf", ".jpx", ".avif", ".avifs", ".heic", ".heif", ".hif"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
_NOT_READ = {
    "camera raw": ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef "
    ".nrw .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f",
    "picture": ".ai .cur .dds .emf .eps .exr .fit .fits .hdr .icns .ico .jng .jxl .jxr .pcx .pdf "
    ".pfm .ps .psb .psd .qoi .sgi .svg .svgz .tga .wdp .wmf .xcf",
    "video": ".3gp .avi .flv .insv .lrv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .webm .wmv",
}
_KINDS = {suffix: kind for kind, suffixes in _NOT_READ.items() for suffix in suffixes.split()}
#: Trash and thumbnails of NAS, desktops and archives, in lower case; dot folders are skipped too.
_SYSTEM_FOLDERS = {
    *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "#recycle", "#snapshot", "~snapshot"),
    *("$recycle.bin", "recycler", "system volume information", "lost+found", "lost.dir"),
    "__macosx",
}


@dataclass
class LeftOut:
    """What a walk has not listed, counted: folders by name, files by suffix or reason."""

    skipped: Counter[str] = field(default_factory=Counter)
    not_read: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """One line for each of the two, empty where there is nothing to say."""
        parts = [("skipped", +self.skipped), ("not read", +self.not_read)]
        return [f"{verb}: {_counted(counts)}" for verb, counts in parts if counts]


def is_photo_name(name: str) -> bool:
    """Whether a file name is a visible photo's; upper and lower case are the same."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def takes(name: str, left_out: LeftOut) -> bool:
    """Whether a file is a photo by its name; counts another one that holds a picture."""
    if not _is_utf8(name):
        left_out.not_read["photos whose names are not UTF-8"] += is_photo_name(name)
    elif name.startswith("."):
        left_out.skipped["hidden photos"] += is_photo_name(name.lstrip("._"))
    elif is_photo_name(name):
        return True
    elif (suffix := PurePosixPath(name).suffix.lower()) in _KINDS:
        left_out.not_read[f"{_KINDS[suffix]} {suffix}"] += 1
    return False


def walk_photos(root: Path, left_out: LeftOut | None = None) -> list[str]:
    """Return the POSIX paths, relative to `root` and sorted, of the photos below it.

    Hidden files and folders are skipped, and the trash and thumbnails of other programs. A linked
    folder is entered once, after all real ones, so a loop of links ends and a folder that is
    reachable twice is listed under its own name.

    `left_out` counts what is not listed: what was skipped, other pictures and videos, links that
    lead nowhere, pipes, and names that are not UTF-8, which no text file could hold.
    Raises HuescapeError for a folder that cannot be read.
    """
    left_out = LeftOut() if left_out is None else left_out
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    links: deque[tuple[Path, str]] = deque([(root, "")])
    while links:
        folder, prefix = links.popleft()
        found.extend(_walk_real(folder, prefix, seen, links, left_out))
    return sorted(found)


def _walk_real(
    folder: Path,
    prefix: str,
    seen: set[tuple[int, int]],
    links: deque[tuple[Path, str]],
    left_out: LeftOut,
) -> Iterator[str]:
    """Walk the real folders below `folder`; append the linked ones to `links`."""
    pending = [(folder, prefix)]
    while pending:
        here, inside = pending.pop()
        identity = _identity(here)
        if identity in seen:
            continue
        seen.add(identity)
        for entry in _entries(here):
            relative = inside + entry.name
            if _is(entry.is_dir):
                if _is_entered(entry.name, left_out):
                    queue = links if entry.is_symlink() else pending
                    queue.append((here / entry.name, relative + "/"))
            elif takes(entry.name, left_out) and _is_file(entry, left_out):
                yield relative


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        raise HuescapeError(f"{folder}: cannot be listed: {error.strerror}") from error


def _is_entered(name: str, left_out: LeftOut) -> bool:
    if not _is_utf8(name):
        left_out.not_read["folders whose names are not UTF-8"] += 1
        return False
    if name.startswith(".") or name.lower() in _SYSTEM_FOLDERS:
        left_out.skipped[f"folders {name}"] += 1
        return False
    return True


def _is_file(entry: os.DirEntry[str], left_out: LeftOut) -> bool:
    if _is(entry.is_file):
        return True
    left_out.not_read["broken links" if entry.is_symlink() else "pipes or devices"] += 1
    return False


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _is(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a link to itself
        return False


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError as error:
        raise HuescapeError(f"{folder}: cannot be read: {error.strerror}") from error
    return status.st_dev, status.st_ino
