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
from huescape.film.places import refuse_conflict, result_paths

if TYPE_CHECKING:
    from huescape.film.facts import FilmFacts

_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def color_films(
    films: Sequence[Path],
    out: Path,
    color: Callable[[Path, Path], FilmFacts],
    *,
    overwrite: bool = False,
    is_all: bool = True,
) -> int:
    """Color films into `out`, a folder or the one result; how many of them could not be colored.

    Why not is a line each on standard error, what came of the others one on standard output.

    Args:
        color: colors one film into a file, as `color_film`.
        overwrite: whether files that are there may be replaced.
        is_all: whether nothing else is to be colored.
    Raises:
        HuescapeError: a result is there (before any film is colored); a disk takes no more; why the
            only film could not be colored. ParamsError: as `result_paths` and `color`.
    """
    results = result_paths(films, out)
    for film, result in zip(films, results, strict=True):
        refuse_conflict(film, result, overwrite)
    failed = 0
    for film, result in zip(films, results, strict=True):
        try:
            with made(result.parent):
                facts = color(film, result)
        except (ParamsError, Interrupted):
            raise
        except HuescapeError as error:
            cause = getattr(error.__cause__, "errno", None)
            if cause in _HOPELESS or (is_all and len(films) == 1):
                raise
            print(error, file=sys.stderr, flush=True)
            failed += 1
            continue
        for warning in facts.warnings:
            print(one_line(f"{film}: {warning}"), file=sys.stderr)
        print(one_line(f"colorize: {result}: {facts.summary}"), flush=True)
    return failed
