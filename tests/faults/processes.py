"""The processes of a run, told apart by what they do, and `kill -9` for one or all of them."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

MODES = ("group", "engine", "stage", "worker")
_STAGE = re.compile(r"^python\S* -m huescape(\.engines\.job)? [a-z]")  # not the shell around it
_WORKER = "multiprocessing.spawn"


def working(root: Path) -> list[psutil.Process]:
    """The living processes whose current folder is `root`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            here = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == root
            if here and process.pid != os.getpid():
                found.append(process)
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """`kill -9`; those that are gone already are no error."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def strike(engine: subprocess.Popen[bytes], mode: str, rng: random.Random) -> list[str] | None:
    """Kill the whole group, the engine, one of its stages or one of their pool workers.

    Returns the command lines of what was hit; None where there is no such process now.
    """
    try:
        below = psutil.Process(engine.pid).children(recursive=True)
    except psutil.Error:
        return None
    stages = [process for process in below if _STAGE.search(command_line(process))]
    if mode == "group":
        hit = [command_line(process) for process in stages]
        with suppress(ProcessLookupError):
            os.killpg(engine.pid, signal.SIGKILL)
        kill(below)  # those that left the group
        return hit
    if mode == "engine":
        hit = [command_line(process) for process in stages]
        engine.kill()
        return hit
    chosen = stages if mode == "stage" else workers_of(engine)
    if not chosen:
        return None
    victim = rng.choice(chosen)
    hit = [command_line(victim)]
    kill([victim])
    return hit


def workers_of(engine: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The pool workers of the engine's stages."""
    try:
        below = psutil.Process(engine.pid).children(recursive=True)
    except psutil.Error:
        return []
    return [process for process in below if _WORKER in command_line(process)]


def command_line(process: psutil.Process) -> str:
    """The command line, cut after 100 characters, with the names of programs alone."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    return " ".join(Path(word).name if word.startswith("/") else word for word in words)[:100]
