"""SHA256SUMS: what a stage wrote, so that whoever reads it can tell that it is still the same.

The format is that of coreutils: `sha256sum -c SHA256SUMS` in a folder checks it by hand. Where a
stage reads gigabytes, SHA-256 would take a tenth of its time: columns of shards have an XXH3 as
well (https://xxhash.com), which is ten times as fast and tells rot, though not forgery.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path

import xxhash

from huescape.base.atomic import write_text
from huescape.base.errors import HuescapeError
from huescape.base.regular import open_regular, read_regular

SUMS = "SHA256SUMS"

# A multiple of every page size; between two slices a process can be interrupted.
_SLICE = 1 << 22
_MADV_POPULATE_READ = 22
_OTHERS = {"train": ("finetune",), "evaluate": ("score", "evaluate_released")}
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def seal(folder: Path, *beside: Path) -> None:
    """Write the digests of all files of `folder` into its SHA256SUMS; the last file of a folder.

    Files in folders below are left out. `beside` are files outside of it that belong to it; each
    is listed as it would be seen from a sibling of `folder`, so a folder may be sealed before it
    is renamed into place. Raises HuescapeError when the disk refuses.
    """
    files = {path.name: path for path in folder.iterdir() if path.is_file() and path.name != SUMS}
    files |= {_seen_from(folder, path): path for path in beside}
    write_sums(folder, {name: file_sha256(path) for name, path in files.items()})


def reseal(path: Path) -> None:
    """Write the digest of one file into the SHA256SUMS beside it; the other lines stay."""
    write_sums(path.parent, _read_sums(path.parent / SUMS) | {path.name: file_sha256(path)})


def write_sums(folder: Path, sha256: Mapping[str, str]) -> None:
    """Write SHA256SUMS with these digests, in hex, by file name."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(sha256.items())]
    write_text(folder / SUMS, "".join(lines))


def read_verified(path: Path, stage: str, folder: Path | None = None) -> bytes:
    """The content of `path`, once it is what SHA256SUMS says.

    Args:
        stage: which writes the file, as DVC names it; for the message.
        folder: whose SHA256SUMS lists the file; without it, its own.
    Raises:
        HuescapeError: the file cannot be read, is not listed or is damaged; names the command
            that makes it again.
    """
    with _told(path, stage):
        content = read_regular(path)
    _check(path, hashlib.sha256(content).hexdigest(), stage, folder)
    return content


@contextmanager
def open_verified(path: Path, stage: str) -> Iterator[BufferedReader]:
    """Open `path` at its start, once it is what the SHA256SUMS beside it says.

    For files that do not fit into memory. Raises what `read_verified` raises.
    """
    with ExitStack() as stack:
        with _told(path, stage):
            file = stack.enter_context(open_regular(path))
            found = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
        _check(path, found, stage, None)
        yield file


@contextmanager
def _told(path: Path, stage: str) -> Iterator[None]:
    """Turn an error of reading into one line."""
    try:
        yield
    except FileNotFoundError as error:
        again = remedy(stage) if _is_shipped(stage) else f"`dvc repro {stage}` makes it"
        raise HuescapeError(f"{path}: no such file; {again}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise HuescapeError(f"{path}: cannot be read: {reason}; {remedy(stage)}") from error


def _check(path: Path, found: str, stage: str, folder: Path | None) -> None:
    sums = (folder or path.parent) / SUMS
    expected = _read_sums(sums).get(_seen_from(sums.parent, path))
    if expected is None:
        raise HuescapeError(
            f"{path}: has no SHA-256 in {sums}: written by an older version, or damaged; "
            f"{remedy(stage)}"
        )
    if found != expected:
        raise HuescapeError(
            f"{path}: damaged: its SHA-256 is not the one in {sums}; {remedy(stage)}"
        )


def remedy(stage: str) -> str:
    """The end of a message about a damaged output of `stage`: the command that makes it again.

    `-s`: without it, DVC would also run again everything before that stage.
    """
    if _is_shipped(stage):
        return "get the release again, or install huescape again if it came with it"
    return f"make it again with `dvc repro -s -f {_own_name(stage)}`"


def _is_shipped(stage: str) -> bool:
    """Whether no stage here writes the file: it is of a release."""
    return stage.startswith("release@")


def _own_name(stage: str) -> str:
    """Its name in dvc.lock: fine-tuned and shipped systems have stages of their own."""
    group, at, name = stage.partition("@")
    try:
        lines = Path("dvc.lock").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return stage
    others = (f"{other}{at}{name}" for other in _OTHERS.get(group, ()))
    return next((other for other in others if f"  {other}:" in lines), stage)


def is_sound(folder: Path) -> bool:
    """Whether all that SHA256SUMS lists is there and as it was; False without a SHA256SUMS."""
    sums = _read_sums(folder / SUMS)
    try:
        return bool(sums) and all(
            file_sha256(folder / name) == expected for name, expected in sums.items()
        )
    except OSError:
        return False


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex, read block by block."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_xxh3(path: Path) -> str:
    """XXH3 of a file, 128 bits in hex, through a memory map: copying would be most of the work."""
    digest = xxhash.xxh3_128()
    with open_regular(path) as file:
        if not os.fstat(file.fileno()).st_size:  # nothing to map
            return digest.hexdigest()
        with (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as content,
        ):
            for start in range(0, len(content), _SLICE):
                with content[start : start + _SLICE] as part:
                    _bring(mapped, start, len(part))
                    digest.update(part)
    return digest.hexdigest()


def _bring(mapped: mmap.mmap, start: int, length: int) -> None:
    """Read from the disk now: what cannot be read is an OSError, and at its first use a SIGBUS."""
    if sys.platform != "linux":
        return
    try:
        mapped.madvise(_MADV_POPULATE_READ, start, length)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a kernel before 5.14
            raise


def _read_sums(path: Path) -> dict[str, str]:
    """Digests by name; none at all where a line is not one, for then any other may be wrong."""
    try:
        # Not splitlines: a name may hold a line end of Unicode.
        lines = read_regular(path).decode(errors="replace").removesuffix("\n").split("\n")
    except OSError:
        return {}
    found = [_LINE.fullmatch(line) for line in lines]
    return {} if None in found else {match[2]: match[1] for match in found if match}


def _seen_from(folder: Path, path: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
