"""dvc.lock as a file that a kill cannot spoil for good: written whole, kept twice, restored.

Both engines read dvc.lock before they do anything else, and DVC rewrites it in place: a run that is
killed in that moment leaves a file that is cut short, and with it nothing that starts. What this
project writes it writes under another name first. For what DVC writes there is a copy of the last
whole version, `.dvc/tmp/huescape-dvc.lock`, which every command of the project compares and, where
dvc.lock is cut short, puts back. The same goes for `.dvc/tmp/rwlock`, DVC's list of running
processes: one that DVC cannot read stops every command as well, and without it DVC begins another.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from huescape.base.atomic import explained, write_bytes, write_text
from huescape.base.errors import HuescapeError, one_line
from huescape.base.exclusive import take
from huescape.base.regular import read_regular

LOCK = Path("dvc.lock")
#: Of the project's folder, where DVC keeps what is of this machine alone.
TEMPORARY = Path(".dvc/tmp")
_OURS = TEMPORARY / "huescape.lock"
KEPT = TEMPORARY / "huescape-dvc.lock"
BROKEN = TEMPORARY / "dvc.lock.broken"
_NOTICE = TEMPORARY / "huescape-notice"
_PATIENCE_SECONDS = 10.0
#: What DVC notes of a file, if it does.
_FACTS: dict[str, type] = {"size": int, "nfiles": int, "isexec": bool, "hash": str}
_HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")


@contextmanager
def project_lock(root: Path) -> Iterator[None]:
    """One at a time among the processes of this project, readers too; gone with its process.

    DVC gives up on its own lock after seconds, and rewrites dvc.lock in place: a reader beside it
    would find half a file. Raises HuescapeError when the disk refuses.
    """
    path = root / _OURS
    try:
        stream = take(path, math.inf)
    except OSError as error:
        raise explained(error, path) from error
    assert stream is not None  # it waits as long as it takes
    with stream:
        yield


def is_whole(content: bytes) -> bool:
    """Whether this is a dvc.lock that DVC can read, with no line, hash or file cut short."""
    from ruamel.yaml import YAML  # here, not above: most commands need none of it
    from ruamel.yaml.error import YAMLError

    if not content.endswith(b"\n"):  # `cmd: pyth` is YAML as well
        return False
    try:
        lock = YAML(typ="safe", pure=True).load(content.decode())
    except (YAMLError, ValueError, RecursionError):
        return False
    if not isinstance(lock, dict) or lock.get("schema") != "2.0":
        return False
    stages = lock.get("stages", {})
    return isinstance(stages, dict) and all(_is_entry(entry) for entry in stages.values())


def write(root: Path, content: bytes) -> None:
    """Write dvc.lock, whole or not at all, and its copy; the caller holds the project's lock.

    Raises HuescapeError when the disk refuses.
    """
    if _read(root / LOCK) != content:
        write_bytes((root / LOCK).resolve(), content)  # where it is a link, DVC follows it too
    _keep(root, content)


def mend(root: Path = Path()) -> list[str]:
    """Put back what a kill cut short, and keep a copy of what is whole; one line for each repair.

    Costs the reading of two small files where nothing changed. Waits for nobody: a process that
    holds the project's lock has looked itself. Where nothing can be written, nothing is mended. A
    dvc.lock that is not there is not cut short, and one with git's conflict marks is left to its
    owner.
    """
    content = _read(root / LOCK)
    if not (root / TEMPORARY).is_dir() or not (_is_news(root, content) or _has_more(root)):
        return []
    with suppress(OSError, HuescapeError), _taken(root / _OURS) as free:
        return mend_locked(root) if free else []
    return []


def mend_locked(root: Path) -> list[str]:
    """`mend` for a caller that holds the project's lock, and not DVC's."""
    said = notice(root)
    if has_broken_list(root):
        said += _drop_list(root)
    content = _read(root / LOCK)
    if not _is_news(root, content) or content is None:
        return said
    if is_whole(content):
        _keep(root, content)
    elif not has_conflict(content):
        said += _restore(root)
    return said


def is_cut(root: Path) -> bool:
    """Whether dvc.lock is there and not whole, also while DVC writes it; a conflict is no cut."""
    content = _read(root / LOCK)
    return content is not None and not has_conflict(content) and not is_whole(content)


def has_broken_list(root: Path) -> bool:
    """Whether DVC could not read its list of running processes, also while it writes it."""
    return _is_no_list(root / TEMPORARY / "rwlock")


def keep_whole(root: Path) -> None:
    """Copy dvc.lock if it is whole and another than the copy; at any time, under no lock."""
    content = _read(root / LOCK)
    if content is not None and _is_news(root, content) and is_whole(content):
        _keep(root, content)


def repair(root: Path = Path()) -> list[str]:
    """Mend what can be mended; raises HuescapeError for a dvc.lock that only a person can settle.

    One line for each repair, none where nothing was wrong.
    """
    if not (root / "dvc.yaml").is_file():  # a folder `.dvc` would make this a project of its own
        raise HuescapeError(f"{root / 'dvc.yaml'}: no such file; run in the folder that holds it")
    try:
        with project_lock(root):
            said = mend_locked(root)
    except OSError as error:
        where = error.filename2 or error.filename or TEMPORARY
        raise HuescapeError(f"{os.fsdecode(where)}: {error.strerror or error}") from error
    content = _read(root / LOCK)
    if content is None and os.path.lexists(root / LOCK):
        raise HuescapeError(f"{LOCK}: cannot be read; allowed: a file that you may read and write")
    if content is not None and has_conflict(content):
        raise HuescapeError(
            f"{LOCK}: git's conflict marks are in it; take a side, `git checkout --ours {LOCK}` or "
            "`--theirs`, and run `dvc repro`, which makes again what differs"
        )
    if content is not None and not is_whole(content):
        raise HuescapeError(f"{LOCK}: cut short, but DVC holds its lock: wait for it, or stop it")
    return said


def tell(lines: list[str]) -> None:
    """Print what was mended, for the person at the terminal and for the log."""
    for line in lines:
        print(f"huescape: {one_line(line)}", file=sys.stderr, flush=True)


def leave_notice(root: Path, lines: list[str]) -> None:
    """Keep the lines for the next command: whoever mended has no terminal."""
    if lines:
        write_text(root / _NOTICE, "\n".join(lines) + "\n")


def notice(root: Path) -> list[str]:
    """What was mended where nobody could read it, told once."""
    content = _read(root / _NOTICE)
    if content is None:
        return []
    with suppress(OSError):
        (root / _NOTICE).unlink()
    return content.decode("utf-8", "replace").splitlines()


def has_conflict(content: bytes) -> bool:
    """Whether git left the marks of a conflict, which only a person can settle."""
    return content.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in content


def _drop_list(root: Path) -> list[str]:
    """Remove DVC's list of running processes, unless it is being written."""
    path = root / TEMPORARY / "rwlock"
    with _taken(path.with_suffix(".lock"), _PATIENCE_SECONDS) as free:
        if not free or not _is_no_list(path):
            return []
        path.unlink()
    return [
        f"{path.relative_to(root)} was damaged, as by a kill: removed, DVC begins another list of "
        "running processes"
    ]


def _restore(root: Path) -> list[str]:
    """Put the best version back, unless DVC is at work on the file this very moment."""
    with _taken(root / TEMPORARY / "lock", _PATIENCE_SECONDS) as free:
        content = _read(root / LOCK)
        if not free or content is None or is_whole(content):
            return []
        aside = ""
        if content:  # a copy: one that is moved leaves none at all if a kill comes in between
            write_bytes(root / BROKEN, content)
            aside = f"; what was left of it lies in {BROKEN}"
        kept, last = _read(root / KEPT), _committed(root)
        for version, origin in ((kept, "its copy of the last run"), (last, "the last commit")):
            if version and is_whole(version):
                write_bytes((root / LOCK).resolve(), version)
                return [f"dvc.lock was cut short by a kill: put back from {origin}{aside}"]
        (root / LOCK).unlink(missing_ok=True)
        return [
            "dvc.lock was cut short by a kill and there is no whole version of it: removed"
            f"{aside}; the next run makes what is not in DVC's cache again"
        ]


@contextmanager
def _taken(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold a lock, as DVC holds its own; False when it stays taken."""
    stream = take(path, patience)
    try:
        yield stream is not None
    finally:
        if stream is not None:
            stream.close()


def _is_news(root: Path, content: bytes | None) -> bool:
    return content is not None and content != _read(root / KEPT)


def _has_more(root: Path) -> bool:
    return (root / _NOTICE).exists() or has_broken_list(root)


def _is_entry(entry: Any) -> bool:
    """Whether DVC takes this for the record of a stage."""
    if not isinstance(entry, dict) or not isinstance(entry.get("cmd"), str | list):
        return False
    params = entry.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(of, dict) for of in params.values()):
        return False
    files = [entry.get(key, []) for key in ("deps", "outs")]
    return all(isinstance(of, list) and all(_is_file(file) for file in of) for of in files)


def _is_file(file: Any) -> bool:
    if not isinstance(file, dict) or not isinstance(file.get("path"), str):
        return False
    if not all(isinstance(file.get(key, kind()), kind) for key, kind in _FACTS.items()):
        return False  # a key whose value was cut off
    digest = file.get("md5", "" if "hash" in file else "0" * 32)
    return isinstance(digest, str) and bool(_HASH.fullmatch(digest))


def _is_no_list(path: Path) -> bool:
    """Whether a file is there that DVC cannot read as its list of running processes."""
    content = _read(path)
    if content is None:
        return False
    try:
        found = json.loads(content.decode())  # UTF-8 alone, as DVC
    except (ValueError, RecursionError):
        return True
    if not isinstance(found, dict) or found.keys() - {"read", "write"}:
        return True
    write, read = found.get("write", {}), found.get("read", {})
    if not (isinstance(write, dict) and isinstance(read, dict)):
        return True
    of_read = [process for of in read.values() for process in (of if type(of) is list else [None])]
    return not all(_is_process(process) for process in (*write.values(), *of_read))


def _is_process(process: Any) -> bool:
    if not isinstance(process, dict) or process.keys() != {"pid", "cmd"}:
        return False
    return isinstance(process["pid"], int) and isinstance(process["cmd"], str)


def _committed(root: Path) -> bytes | None:
    """dvc.lock as the last commit has it; HuescapeError where git cannot be asked."""
    command = ["git", "show", f"HEAD:./{LOCK}"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(error)
    else:
        if done.returncode == 0:
            return done.stdout
        reason = done.stderr.decode("utf-8", "replace").strip()
        if "ownership" not in reason:  # no repository, no commit, or none with a dvc.lock
            return None
    if not any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents)):
        return None
    raise HuescapeError(
        f"{LOCK}: cut short, and git cannot be asked for the last commit's: "
        f"{reason.splitlines()[0]}; mend that, or `git checkout {LOCK}`"
    )


def _keep(root: Path, content: bytes) -> None:
    if _read(root / KEPT) != content:
        write_bytes(root / KEPT, content)


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        return read_regular(path)
    return None
