"""Films colored one after the other: a broken one stops no other."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.base.folders import made
from huescape.base.interrupts import Interrupted

if TYPE_CHECKING:
    from huescape.film.facts import FilmFacts

_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def color_films(
    jobs: Sequence[tuple[Path, Path]],
    color: Callable[[Path, Path], FilmFacts],
    is_all: bool = True,
) -> int:
    """Color films into their results (`places.film_jobs`); how many could not be colored.

    Why not is a line each on standard error, what came of the others one on standard output.

    Args:
        color: colors one film into a file, as `color_film`.
        is_all: whether nothing else is to be colored.
    Raises:
        HuescapeError: a disk takes no more; why the only film could not be colored.
        ParamsError: as `color`.
    """
    failed = 0
    for film, result in jobs:
        try:
            with made(result.parent):
                facts = color(film, result)
        except (ParamsError, Interrupted):
            raise
        except HuescapeError as error:
            cause = getattr(error.__cause__, "errno", None)
            if cause in _HOPELESS or (is_all and len(jobs) == 1):
                raise
            print(error, file=sys.stderr, flush=True)
            failed += 1
            continue
        for warning in facts.warnings:
            print(one_line(f"{film}: {warning}"), file=sys.stderr)
        print(one_line(f"colorize: {result}: {facts.summary}"), flush=True)
    return failed
