"""Other commands as children: an interruption reaches them once, and they may finish cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from huescape.errors import HuescapeError


def exit_code(command: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run `command` in `folder`; its exit code.

    It has a process group of its own, so that Ctrl-C reaches it from here alone, and exactly once:
    at a second signal a training would end without saving its state. A second Ctrl-C kills it.
    Raises KeyboardInterrupt when this process is interrupted, after the command has ended.
    """
    with subprocess.Popen(command, cwd=folder, env=environment, process_group=0) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            _signal_group(process, signal.SIGINT)
            try:
                process.wait()
            except KeyboardInterrupt:
                _signal_group(process, signal.SIGKILL)
            raise


def call(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run `command` in `folder`; HuescapeError if it fails."""
    code = exit_code(command, folder, environment)
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise HuescapeError(f"{' '.join(command[2:])}: exit code {code}")


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
