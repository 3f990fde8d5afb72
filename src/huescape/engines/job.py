"""One Snakemake job: ask DVC whether the stage is stale, run its own command, record the result.

Usage: python -m huescape.engines.job STAGE [--ask] [--owner PID] [--partition K | --gather]
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from huescape.base.children import environment
from huescape.base.errors import HuescapeError
from huescape.base.exclusive import take
from huescape.base.orphans import alive, stop_without
from huescape.base.runtime import ENGINE
from huescape.engines import graph
from huescape.engines.graph import Stage
from huescape.engines.own_code import insist_on_own_code

_BACKUPS = Path(".snakemake/backups")
#: Held by a job and by its stage's command, one file for each.
_JOBS = Path(".dvc/tmp/huescape-jobs")


def main(argv: list[str] | None = None) -> int:
    """Run one job; the exit code is the command's own."""
    parser = argparse.ArgumentParser(prog="python -m huescape.engines.job", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--ask", action="store_true", help="run only if DVC calls the stage stale")
    parser.add_argument("--owner", type=int, help="stop when this process is gone")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--partition", type=int)
    part.add_argument("--gather", action="store_true")
    options = parser.parse_args(argv)
    try:
        if argv is None:
            insist_on_own_code()
        if options.owner is not None:
            stop_without(lambda: alive(options.owner))
        return _job(options.stage, options.ask, options.partition, options.gather)
    except HuescapeError as error:
        print(f"huescape: error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:  # of .snakemake, of .dvc/tmp, or of what DVC writes there
        where = error.filename2 or error.filename or ".dvc/tmp"
        print(f"huescape: error: {os.fsdecode(where)}: {error.strerror or error}", file=sys.stderr)
        return 1


def _job(name: str, ask: bool, partition: int | None, gather: bool) -> int:
    with _alone(name, partition) as lock:
        stage, is_stale = graph.look_up(name, ask=ask)
        return _make(stage, is_stale, partition, gather, lock)


def _alone(name: str, partition: int | None) -> IO[str]:
    """A lock, taken once no other process makes the same.

    A cluster that loses sight of a node starts its job again on another one, and the first may
    still be writing; when it has ended, DVC is asked whether there is anything left to do.
    """
    path = _JOBS / (name if partition is None else f"{name}.{partition}")
    lock = take(path)
    if lock is None:
        print(f"{name}: waiting for a job elsewhere that makes the same", file=sys.stderr)
        lock = take(path, math.inf)
    assert lock is not None  # it waits as long as it takes
    return lock


def _make(stage: Stage, is_stale: bool, partition: int | None, gather: bool, lock: IO[str]) -> int:
    name = stage.name
    files = [Path(file) for file in stage.track]
    if partition is not None:
        files = [files[0].parent / f"{partition:05d}.json"]
    if not is_stale:
        # What came before was made again with the same bytes: DVC stops here, and so do we.
        print(f"{name}: unchanged, skipped", file=sys.stderr)
        for file in files:
            file.touch()
        return 0
    for file in files:
        # Snakemake would put it back where this job is killed, also after it was recorded.
        (_BACKUPS / file).unlink(missing_ok=True)
    if partition is not None:
        return _call(f"{stage.cmd} --partition {partition}", lock)
    if not gather:
        graph.remove_outputs(name)
    code = _call(f"{stage.cmd} --gather" if gather else stage.cmd, lock)
    if code == 0:
        graph.commit(name)
    return code


def _call(command: str, lock: IO[str]) -> int:
    """Run the stage's command, which holds the lock too; a termination of this job reaches it."""
    print(f"$ {command}", file=sys.stderr, flush=True)
    # Stages call `python`: it must be this one, in an activated environment or not.
    variables = environment(more={ENGINE: "snakemake"})
    process = subprocess.Popen(command, shell=True, env=variables, pass_fds=[lock.fileno()])
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the command got it as well, and is saving what it has
            continue


if __name__ == "__main__":
    sys.exit(main())
