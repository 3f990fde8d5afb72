"""`deploy/mlflow/serve` refuses what it cannot serve before anything is started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SERVE = Path(__file__).parents[2] / "deploy/mlflow/serve"


def said(*arguments: str) -> str:
    """The one line that it ends with."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    done = subprocess.run([SERVE, *arguments], capture_output=True, text=True, env=own)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    return line


def test_arguments_are_refused_in_one_line(tmp_path: Path) -> None:
    assert said(str(tmp_path)) == "serve: usage: serve FOLDER s3://BUCKET/PREFIX [OPTIONS]"
    assert said(str(tmp_path), "bucket").startswith("serve: usage: ")


def test_a_path_that_an_address_of_a_database_cannot_hold_is_refused(tmp_path: Path) -> None:
    for name in ("team's", "a&b", "50%"):
        folder = tmp_path / name
        line = said(str(folder), "s3://team/mlflow")
        assert line == f"serve: {folder}: allowed in its path: a-z, A-Z, 0-9, / . _ -"
        assert [path.name for path in folder.iterdir()] == ["lock"]
