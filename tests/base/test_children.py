"""A child that is interrupted hears of it once, and is waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from huescape.base.children import call, exit_code
from huescape.base.errors import HuescapeError

# Writes a line for each signal, and takes a second to save its state after the first.
CHILD = """
import signal, sys, time
from pathlib import Path
log = Path("log")
def heard(number, frame):
    with log.open("a") as stream:
        stream.write("signal\\n")
signal.signal(signal.SIGINT, heard)
signal.signal(signal.SIGTERM, heard)
log.write_text("ready\\n")
while "signal" not in log.read_text():
    time.sleep(0.02)
time.sleep(1)
with log.open("a") as stream:
    stream.write("saved\\n")
"""
PARENT = """
import os, signal, sys
from pathlib import Path
from huescape.base.children import exit_code
from huescape.subcommands import _interrupt
signal.signal(signal.SIGTERM, _interrupt)
try:
    exit_code([sys.executable, "-c", sys.argv[1]], Path("."), dict(os.environ))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_exit_codes(tmp_path: Path) -> None:
    def python(code: str) -> list[str]:
        return [sys.executable, "-c", code]

    environment = {**os.environ, "X": "5"}
    code = "import os, sys; sys.exit(int(os.environ['X']))"
    assert exit_code(python(code), tmp_path, environment) == 5
    with pytest.raises(HuescapeError, match="exit code 5"):
        call(python(code), tmp_path, environment)
    call(python("open('here', 'w')"), tmp_path, environment)
    assert (tmp_path / "here").exists()
    with pytest.raises(KeyboardInterrupt):
        call(python("raise SystemExit(130)"), tmp_path, environment)


@pytest.mark.parametrize("how", ["terminal", "SIGTERM to the parent alone"])
def test_an_interruption_arrives_once_and_is_waited_for(tmp_path: Path, how: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        cwd=tmp_path,
        start_new_session=True,
        # A shell's background job ignores the signal, and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log, limit = tmp_path / "log", time.monotonic() + 60
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < limit
        time.sleep(0.02)
    if how == "terminal":
        os.killpg(parent.pid, signal.SIGINT)
    else:
        parent.terminate()
    assert parent.wait(timeout=30) == 130
    assert log.read_text().split() == ["ready", "signal", "saved"]
