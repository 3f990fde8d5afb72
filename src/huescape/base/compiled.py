"""How kernels are compiled: by Numba, once on a machine, without liberties in their arithmetic.

No option lets Numba fuse or reorder operations, so a kernel of additions, multiplications,
divisions and integer operations gives the same bits on every machine. Other threads run meanwhile.
Division by zero gives infinity or NaN, as in NumPy.

The machine code is kept beside the source or, where that cannot be written, in the user's cache
folder; NUMBA_CACHE_DIR names another. Numba makes it anew when the kernel's own file changes, but
not when another file does: what a kernel needs of another module is an argument, never a global.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(inline: Literal["never", "always"] = "never") -> Callable[[F], F]:
    """Decorate a function of numbers and arrays so that its first call compiles it."""

    def compiled(function: F) -> F:
        options = {"nogil": True, "error_model": "numpy", "inline": inline}
        try:
            return cast(F, numba.njit(cache=True, **options)(function))
        except RuntimeError:  # no folder can be written: every process compiles for itself
            return cast(F, numba.njit(**options)(function))

    return compiled
