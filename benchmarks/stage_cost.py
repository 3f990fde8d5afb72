"""What one stage takes under DVC: time, processors, memory, files, and DVC's own share.

The `python` that DVC starts is a script that starts the real one and notes what it used, so that
DVC's own share (hashes, cache, lock file) is the rest.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from ruamel.yaml import YAML

from benchmarks.scratch import Folder, scratch_project
from huescape.base import runtime

LOG = "used.jsonl"
EVERY = 0.2
_PYTHON = """\
import json, os, sys
process = os.posix_spawn({python!r}, [{python!r}, *sys.argv[1:]], os.environ)
_, status, used = os.wait4(process, 0)
with open({log!r}, "a") as stream:
    stream.write(json.dumps(used.ru_utime + used.ru_stime) + "\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Memory:
    """Highest bytes seen: of one process of the stage, of all together, and of DVC.

    `mapped` includes pages of files, shards above all, that the system can drop; the others do not.
    """

    largest: int
    together: int
    dvc: int
    mapped: int


@dataclass(frozen=True)
class Figures:
    """What one stage took; `cpu` and `dvc` are seconds of processors, of the stage and of DVC."""

    wall: float
    cpu: float
    dvc: float
    memory: Memory
    files: int
    bytes: int

    @property
    def total(self) -> float:
        """Seconds of processors, DVC included."""
        return self.cpu + self.dvc

    def __str__(self) -> str:
        memory = self.memory
        return (
            f"{self.wall:.1f} s of wall time, {self.cpu:.1f} s of processors, {self.dvc:.1f} s "
            f"of DVC's own; {memory.largest / 1e6:.0f} MB the largest process, "
            f"{memory.together / 1e6:.0f} MB together, {memory.mapped / 1e6:.0f} MB with mapped "
            f"files, {memory.dvc / 1e6:.0f} MB DVC; {self.files:,} files, "
            f"{self.bytes / 1e6:.1f} MB"
        )


def laid_out(temporary: Path, quick: bool = False) -> Folder:
    """The project in a folder, where every size is run: compiled kernels stay, results do not.

    As many workers as processors; to be quick one, which is done before a second has started.
    """
    path = f"{_python(temporary / 'bin', temporary / LOG)}{os.pathsep}{_path()}"
    workers = "1" if quick else str(runtime.cpus())
    return scratch_project(temporary / "project", {}, PATH=path, HUESCAPE_WORKERS=workers)


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _python(folder: Path, log: Path) -> Path:
    """A folder whose `python` runs this Python and appends its processor seconds to `log`."""
    folder.mkdir()
    script, command = folder / "measured.py", folder / "python"
    script.write_text(_PYTHON.format(python=sys.executable, log=str(log)), encoding="utf-8")
    command.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -SE "{script}" "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    return folder


def run_stage(project: Folder, name: str) -> Figures:
    """Have DVC run one stage, which must be stale; SystemExit when it fails or does not run."""
    log = project.root.parent / LOG
    log.unlink(missing_ok=True)
    before, start = _children_seconds(), time.perf_counter()
    with (log.parent / "output.txt").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["dvc", "repro", "--single-item", name],
            cwd=project.root,
            env=project.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        memory = _watched(process)
        output.seek(0)
        if process.returncode:
            raise SystemExit(f"{name}: exit {process.returncode}\n{output.read()[-2000:]}")
    wall, seconds = time.perf_counter() - start, _children_seconds() - before
    if not log.is_file():
        raise SystemExit(f"{name}: DVC did not run it")
    own = sum(float(line) for line in log.read_text(encoding="utf-8").splitlines())
    files, size = _written(project.root, name)
    return Figures(wall, own, max(0.0, seconds - own), memory, files, size)


def forget(project: Folder) -> None:
    """Remove all that stages and engines made."""
    for made in ("data", "models", "reports", ".dvc/cache", ".dvc/tmp", ".huescape", "dvc.lock"):
        path = project.root / made
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watched(process: subprocess.Popen[bytes]) -> Memory:
    """Wait for the process; look at the memory of its tree in the meantime."""
    seen: list[Memory] = []
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, done, seen))
    watcher.start()
    process.wait()
    done.set()
    watcher.join()
    return Memory(
        largest=max((memory.largest for memory in seen), default=0),
        together=max((memory.together for memory in seen), default=0),
        dvc=max((memory.dvc for memory in seen), default=0),
        mapped=max((memory.mapped for memory in seen), default=0),
    )


def _watch(pid: int, done: threading.Event, seen: list[Memory]) -> None:
    while not done.wait(EVERY):
        try:
            engine = psutil.Process(pid)
            private, _ = _memory(engine)
            stage = [_memory(child) for child in engine.children(recursive=True)]
        except psutil.Error:  # it has just ended
            continue
        owned, mapped = [own for own, _ in stage], [whole for _, whole in stage]
        seen.append(Memory(max(owned, default=0), sum(owned), private, max(mapped, default=0)))


def _memory(process: psutil.Process) -> tuple[int, int]:
    """Bytes in memory without and with the pages of files; 0 for a process that has ended."""
    try:
        info = process.memory_info()
    except psutil.Error:
        return 0, 0
    return info.rss - getattr(info, "shared", 0), info.rss


def _written(root: Path, name: str) -> tuple[int, int]:
    """Files and bytes of a stage's outputs, as dvc.lock has them."""
    lock = YAML(typ="safe", pure=True).load((root / "dvc.lock").read_text(encoding="utf-8"))
    outs = lock["stages"][name]["outs"]
    return sum(out.get("nfiles", 1) for out in outs), sum(out["size"] for out in outs)
