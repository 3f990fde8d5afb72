"""Write whole files and folders or nothing: a temporary name beside the target, then a rename."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from huescape.errors import HuescapeError


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` on success.

    Raises HuescapeError when the disk refuses (full, read-only, no permission). On any error the
    temporary file is removed and an existing `path` is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        with suppress(OSError):  # it may never have been there, not even its folder
            temporary.unlink()


@contextmanager
def fresh_directory(path: Path) -> Iterator[Path]:
    """Yield an empty sibling folder of `path`; on success it takes the place of `path`.

    On any error the sibling is removed and an existing `path` is left as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise _explain(error, path) from error
    try:
        temporary.chmod(0o755)  # mkdtemp makes it private; the result is an ordinary folder
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.rename(path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replace_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8 with `\\n` line ends, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON (sorted keys, no NaN), so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def _explain(error: OSError, path: Path) -> OSError | HuescapeError:
    """Turn a refusal of the disk into one line; an error about another file stays what it was."""
    if error.filename is not None:
        about = Path(str(error.filename))
        if about.parent != path.parent and about not in path.parents:
            return error
    return HuescapeError(f"cannot write {path}: {error.strerror or error}")
