"""What SQLite says of the store's file, before and behind MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_LOCKED_SECONDS = 5.0  # another process may be writing this moment


def check_file(uri: str) -> None:
    """Raise sqlite3.Error where `uri` names an SQLite file that cannot be read as one.

    MLflow would try to open it again and again, for half an hour. A file that is not there is no
    error: it will be made. Other addresses are not looked at.
    """
    kind, slashes, name = uri.partition(":///")
    path = Path(name.partition("?")[0])
    if not (slashes and kind.startswith("sqlite") and path.exists()):
        return
    # Not `ro`: what a killed process left half-written is rolled back by who opens it next.
    address = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=_LOCKED_SECONDS)) as file:
        file.execute("select count(*) from sqlite_master").fetchone()


def file_is_damaged(error: BaseException | None) -> bool:
    """Whether SQLite called its file damaged, which MLflow reports as the caller's fault."""
    while error is not None:
        if type(error) is sqlite3.DatabaseError:  # its subclasses are about the one statement
            return True
        error = error.__cause__ or error.__context__
    return False
