"""Too little memory, by whatever name a library says so."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from huescape.base.errors import HuescapeError

# Torch raises a plain RuntimeError on a CPU, and so do parts of CUDA; Pillow a plain OSError.
_WORDS = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "bad allocation",
    "std::bad_alloc",
    "alloc_failed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, numpy, Pillow, torch or the system means too little memory."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, RuntimeError | OSError):  # torch.OutOfMemoryError is a RuntimeError
        said = str(error).lower()
        return any(words in said for words in _WORDS)
    return False


@contextmanager
def explained_by(explain: Callable[[], HuescapeError]) -> Iterator[None]:
    """Raise `explain()` in place of an error that means too little memory."""
    try:
        yield
    except Exception as error:
        if isinstance(error, HuescapeError) or not is_out_of_memory(error):
            raise
        raise explain() from error
