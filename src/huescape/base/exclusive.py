"""What one process at a time may do: a lock on a file, gone with its process, however it ended."""

from __future__ import annotations

import fcntl
import math
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from huescape.base.regular import insist_on_regular

#: Held by a running Snakemake.
RUN = Path(".dvc/tmp/huescape-snakemake.lock")
#: Shared by the stages that an engine started, who may outlive it by a moment.
STAGES = Path(".dvc/tmp/huescape-stages.lock")
_PAUSE_SECONDS = 0.1


def take(path: Path, patience: float = 0.0, *, shared: bool = False) -> IO[str] | None:
    """Lock `path` until the stream is closed or the process ends, forked ones and all.

    `shared` goes along with others that share. None where another process has it, still after
    `patience` seconds; `math.inf` waits for it. The file is made if need be and stays, with nothing
    changed in it. Raises OSError when the disk refuses.
    """
    until = time.monotonic() + patience
    stream = _opened(path)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    kind |= 0 if patience == math.inf else fcntl.LOCK_NB
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(stream, kind)
                return stream
            if time.monotonic() >= until:
                stream.close()
                return None
            time.sleep(_PAUSE_SECONDS)
    except BaseException:  # a file system without locks, or Ctrl-C
        stream.close()
        raise


def _opened(path: Path) -> IO[str]:
    """The file, made if need be; one that is another user's is locked as well as one's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    except PermissionError:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        insist_on_regular(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor)


_held: list[IO[str] | None] = []


def hold(path: Path) -> None:
    """Share `path` for as long as this process lives; where that cannot be, go on without."""
    with suppress(OSError):
        _held.append(take(path, shared=True))
