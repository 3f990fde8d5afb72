"""Hear what C libraries print on standard error, instead of letting it through."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STDERR = 2
_MOST = 1 << 16


@contextmanager
def heard() -> Iterator[list[str]]:
    """Yield a list that holds, after the block, the lines that were printed on standard error.

    The file descriptor itself leads into a pipe meanwhile, so this hears C libraries as well, and
    whatever another thread prints. What exceeds the pipe is lost; nothing waits, and no disk is
    needed. Where the process has no standard error, nothing is heard.
    """
    lines: list[str] = []
    try:
        kept = os.dup(_STDERR)
    except OSError:
        yield lines
        return
    with suppress(OSError, ValueError, AttributeError):  # closed, or none
        sys.stderr.flush()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)  # a process started meanwhile may still hold the other end
    os.dup2(writing, _STDERR)
    os.close(writing)
    try:
        yield lines
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        with suppress(BlockingIOError):
            lines += os.read(reading, _MOST).decode(errors="replace").splitlines()
        os.close(reading)
