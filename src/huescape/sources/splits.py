"""Read a dataset's own split list: a table of path and split."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from huescape.base.errors import HuescapeError

SPLITS = {"tr": "train", "va": "val", "te": "test", "train": "train", "val": "val", "test": "test"}


def read_splits(path: Path, key: str) -> dict[str, str]:
    """Map each path of the list, relative and without leading slash, to train, val or test.

    A path with spaces around it stands in the map as it is, and without them.

    The list is a CSV or TSV with a header; its columns are `path` and `split`, or one whose name
    ends in `split`. `key` is the dotted key in params.yaml, for messages. Raises HuescapeError
    that names the line when the list cannot be read, or gives one path two splits.
    """
    splits: dict[str, str] = {}
    for line, name, value in _rows(path, key):
        split = SPLITS.get(value.strip().lower())
        if split is None:
            allowed = ", ".join(SPLITS)
            raise HuescapeError(f"{key}: {path}, line {line}: split {value!r}; allowed: {allowed}")
        if splits.setdefault(_relative(name), split) != split:
            raise HuescapeError(f"{key}: {path}, line {line}: {name!r} is in two splits")
    trimmed = {_relative(name.strip()): split for name, split in splits.items()}
    return trimmed | splits


def _relative(name: str) -> str:
    return PurePosixPath(name.lstrip("/")).as_posix()


def _rows(path: Path, key: str) -> Iterator[tuple[int, str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:  # a name may hold a line end
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise HuescapeError(f"{key}: {path} cannot be read: {reason}") from error
    try:
        yield from _table(path, key, text)
    except csv.Error as error:
        raise HuescapeError(f"{key}: {path} is no table: {error}") from error


def _table(path: Path, key: str, text: str) -> Iterator[tuple[int, str, str]]:
    delimiter = "\t" if "\t" in (text.splitlines() or [""])[0] else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = list(reader.fieldnames or ())
    column = next((name for name in ["split", *header] if name in header and _is_split(name)), None)
    if "path" not in header or column is None:
        raise HuescapeError(
            f"{key}: {path}: the header has the columns {', '.join(header) or '(none)'}; "
            "needed: `path` and `split` (or a name that ends in `split`)"
        )
    for row in reader:
        yield reader.line_num, row["path"] or "", row[column] or ""


def _is_split(name: str) -> bool:
    return name.endswith("split")
