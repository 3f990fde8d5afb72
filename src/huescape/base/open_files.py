"""How many files a process may hold open."""

from __future__ import annotations

import resource

from huescape.base.errors import HuescapeError

_OTHERS = 256  # libraries, pipes of workers, tables


def allow_open_files(count: int, what: str) -> None:
    """Make room for so many open files; shells mostly start with a limit of 1,024.

    The limit that a process sets itself goes up, never down, and not above that of the system.
    Raises HuescapeError that says `what` needs them where that is too low.
    """
    needed = count + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError) as error:  # macOS has a limit of its own below an unlimited one
        allowed = "fewer" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        raise HuescapeError(
            f"{what} needs {needed:,} open files at a time; allowed here: {allowed} "
            "(`ulimit -Hn`); raise that, or lower resize.shards"
        ) from error
