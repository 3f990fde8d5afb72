"""Without standard streams, a process writes nothing into its own files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, sys
from huescape.base.descriptors import open_standard_streams
open_standard_streams()
with open("file", "w") as file:
    file.write("kept")
    file.flush()
    for stream in (sys.stdout, sys.stderr):
        print("\\udcff \\u5c71", file=stream, flush=True)
    os.write(1, b"more")
    os.write(2, b"more")
    os.system("echo even more >&2")
"""


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_what_is_printed_without_a_stream_is_lost_and_lands_in_no_file(
    closed: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, CODE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "file").read_text() == "kept"
    assert bool(done.stdout) == (">&-" not in closed.replace("2>&-", ""))
