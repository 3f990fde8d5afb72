"""Room for open files: the limit of a process goes up as far as the system lets it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

PROGRAM = """
import resource, sys
from huescape.base.errors import HuescapeError
from huescape.base.open_files import allow_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 600))
allow_open_files(10, "little")
print(resource.getrlimit(resource.RLIMIT_NOFILE))
allow_open_files(300, "more")
print(resource.getrlimit(resource.RLIMIT_NOFILE))
allow_open_files(5, "less")
print(resource.getrlimit(resource.RLIMIT_NOFILE))
try:
    allow_open_files(400, "data/resized: reading all its shards")
except HuescapeError as error:
    print(error)
"""


def test_the_limit_goes_up_and_what_is_too_much_is_one_line() -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[:3] == ["(266, 600)", "(556, 600)", "(556, 600)"]
    assert said[3:] == [
        "data/resized: reading all its shards needs 656 open files at a time; allowed here: 600 "
        "(`ulimit -Hn`); raise that, or lower resize.shards"
    ]
