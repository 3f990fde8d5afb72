"""A lock that one process has, or several that share it, and that ends with its holder."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from huescape.base.exclusive import take
from tests.faults.permissions import bound

_HOLD = """
import sys
from pathlib import Path
from huescape.base.exclusive import take
held = take(Path(sys.argv[1]))
print(held is not None, flush=True)
sys.stdin.read()
"""


def test_one_has_it_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    first = take(path)
    assert first is not None
    assert take(path) is None
    assert take(path, shared=True) is None
    first.close()
    second = take(path)
    assert second is not None
    second.close()


def test_those_that_share_keep_the_others_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    shared = [take(path, shared=True) for _ in range(2)]
    assert None not in shared
    assert take(path) is None
    for stream in shared:
        assert stream is not None
        stream.close()
    alone = take(path)
    assert alone is not None
    alone.close()


def test_a_kill_leaves_it_free_for_who_waits(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert take(path) is None
        Timer(0.3, process.send_signal, (signal.SIGKILL,)).start()
        free = take(path, math.inf)
    assert free is not None
    free.close()


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    os.mkfifo(path)
    with pytest.raises(OSError, match="pipe or device"):
        take(path)


def test_a_file_of_another_user_can_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    path.chmod(0o444)
    command = [*bound(), sys.executable, "-c", _HOLD, str(path)]
    done = subprocess.run(command, capture_output=True, input=b"", check=True)
    assert done.stdout == b"True\n"
