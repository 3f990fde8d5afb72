"""Waiting for the moment of an attack: a stage has started, or a file is being written.

Files are looked at some thousand times a second, by the same code on Linux and on macOS.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.attacks import WRITES, Attack
from tests.faults.processes import workers_of

_PATIENCE = 120.0
_POLL_SECONDS = 0.0005
#: path, inode, bytes, time of change
Facts = tuple[str, int, int, int]
_STARTED = re.compile(rb"(?m)^[>$] sh workflow/run")


def wait_for(
    attack: Attack, engine: subprocess.Popen[bytes], root: Path, log: Path, begun: int
) -> bool:
    """Wait until the moment comes; False when the engine ended, or nothing came for two minutes.

    `begun` is the length of `log` at the engine's start.
    """
    run = _Run(engine, time.monotonic() + _PATIENCE)
    if attack.moment == "random":
        come = run.until(
            lambda: len(_STARTED.findall(log.read_bytes()[begun:])) >= attack.count, 0.02
        )
    elif attack.moment == "worker":
        come = run.until(lambda: bool(workers_of(engine)), 0.02)
    else:
        come = _written(root, WRITES[attack.moment].patterns, attack.count, run)
    if come:
        time.sleep(attack.delay)
    return come and engine.poll() is None


@dataclass(frozen=True)
class _Run:
    """A running engine and when to stop waiting for it."""

    engine: subprocess.Popen[bytes]
    end: float

    def until(self, condition: Callable[[], bool], poll: float) -> bool:
        """Wait for the condition; False when the engine ended first, or the time is up."""
        while not condition():
            if self.engine.poll() is not None or time.monotonic() > self.end:
                return False
            time.sleep(poll)
        return True


def _written(root: Path, patterns: Sequence[str], count: int, run: _Run) -> bool:
    """Wait until the `count`-th writing of files of these patterns has begun."""
    for turn in range(count):
        if turn and not run.until(lambda: _still(root, patterns), 0.0):
            return False  # the writing before is over once nothing changes for a moment
        begun = _facts(root, patterns)
        changed = partial(_differ, root, patterns, begun)
        if not run.until(changed, _POLL_SECONDS):
            return False
    return True


def _differ(root: Path, patterns: Sequence[str], before: frozenset[Facts]) -> bool:
    return _facts(root, patterns) != before


def _still(root: Path, patterns: Sequence[str]) -> bool:
    before = _facts(root, patterns)
    time.sleep(0.1)
    return _facts(root, patterns) == before


def _facts(root: Path, patterns: Sequence[str]) -> frozenset[Facts]:
    found = set()
    for pattern in patterns:
        with suppress(OSError):  # a folder that goes while it is listed
            for path in root.glob(pattern):
                with suppress(OSError):
                    status = path.stat()
                    found.add((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return frozenset(found)
