"""What an SQLite store needs besides MLflow: a readable file, and artifacts in its own folder."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

ARTIFACTS = "mlruns"  # beside the file
_LOCKED_SECONDS = 5.0  # another process may be writing this moment
# Where MLflow's tables keep addresses of artifacts.
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)


def file_of(uri: str) -> Path | None:
    """The file of an SQLite store, absolute; None for any other address."""
    kind, slashes, name = uri.partition(":///")
    path = name.partition("?")[0]
    return Path(path).resolve() if slashes and kind.startswith("sqlite") and path else None


def check_file(path: Path) -> None:
    """Raise sqlite3.Error where `path` cannot be read as an SQLite file; one not there is none.

    MLflow would try to open it again and again, for half an hour.
    """
    if not path.exists():
        return
    # Not `ro`: what a killed process left half-written is rolled back by who opens it next.
    address = f"{path.as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=_LOCKED_SECONDS)) as file:
        file.execute("select count(*) from sqlite_master").fetchone()


def relocate(path: Path, old: str) -> None:
    """Let the store of a copied or moved project name its own artifacts, not those in `old`.

    MLflow keeps absolute addresses: without this, a copy would write into the original's folder.
    """
    here, there = (f"{folder}/{ARTIFACTS}" for folder in (path.parent, old))
    with closing(sqlite3.connect(path, timeout=_LOCKED_SECONDS)) as file, file:
        for table, column in _ADDRESSES:
            if file.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone():
                file.execute(
                    f"update {table} set {column} = ? || substr({column}, ?) "
                    f"where {column} = ? or {column} like ? || '/%'",
                    (here, len(there) + 1, there, there),
                )
