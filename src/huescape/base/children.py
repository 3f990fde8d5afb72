"""Other commands as children: the environment they find, and how they are stopped.

An interruption reaches a child once, and it may finish cleanly: a training saves its state at the
first signal and would end without saving at a second one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError

# For a training to finish its step and write its checkpoint, of gigabytes perhaps.
_GRACE_SECONDS = 120.0


def environment(
    source: Path | None = None, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """This process's environment for a child: `python` is this interpreter, activated or not.

    `source` is a folder of Python code that goes before what is installed; `more` is added.
    """
    found = {**os.environ, "PATH": _prepended(Path(sys.executable).parent, "PATH")}
    if source is not None:
        found["PYTHONPATH"] = _prepended(source.resolve(), "PYTHONPATH")
    return {**found, **(more or {})}


def exit_code(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], **options: Any
) -> int:
    """Run `command` in `folder`; its exit code. `options` are those of `subprocess.Popen`.

    It has a process group of its own, so that Ctrl-C reaches it from here alone, and exactly once.
    Raises KeyboardInterrupt when this process is interrupted, after the command has ended; another
    interruption makes it end sooner.
    """
    process = subprocess.Popen(command, cwd=folder, env=environment, process_group=0, **options)
    try:
        return process.wait()
    except BaseException:
        _stop(process)
        raise


def call(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run `command` in `folder`; HuescapeError if it fails."""
    code = exit_code(command, folder, environment)
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise HuescapeError(f"{' '.join(command[2:])}: exit code {code}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt and wait; insist when that takes too long, or when asked again."""
    for number, seconds in (
        (signal.SIGINT, _GRACE_SECONDS),
        (signal.SIGTERM, 5.0),
        (signal.SIGKILL, 5.0),
    ):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
            return
        except ProcessLookupError:
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue


def _prepended(folder: Path, name: str) -> str:
    return os.pathsep.join(filter(None, [str(folder), os.environ.get(name, "")]))
