"""What Numba compiled of a package, for a copy of it: anew that takes half a minute."""

from __future__ import annotations

import filecmp
import glob
import os
from pathlib import Path

from huescape.base.atomic import write_bytes


def share(package: Path, copy: Path) -> None:
    """Bring what Numba compiled of `package` to `copy`, for every file that is the same in both.

    Nothing happens where Numba keeps its files elsewhere (NUMBA_CACHE_DIR). Raises HuescapeError
    when the disk refuses.
    """
    for index in package.rglob("__pycache__/*.nbi"):
        source = index.parents[1] / f"{index.name.partition('.')[0]}.py"
        copied, target = (copy / path.relative_to(package) for path in (source, index))
        if target.exists() or not (source.is_file() and copied.is_file()):
            continue
        kernels = sorted(index.parent.glob(f"{glob.escape(index.stem)}.*.nbc"))
        if filecmp.cmp(source, copied, shallow=False) and _is_of(source, kernels):
            for kernel in kernels:
                write_bytes(target.with_name(kernel.name), kernel.read_bytes(), durable=False)
            # Last, as without it Numba looks at none of them.
            write_bytes(target, index.read_bytes(), durable=False)
            status = source.stat()  # older Numba knows a source by its size and time
            os.utime(copied, ns=(status.st_atime_ns, status.st_mtime_ns))


def _is_of(source: Path, kernels: list[Path]) -> bool:
    """Whether all were compiled after the last edit: Numba writes a new index before new code."""
    edited = source.stat().st_mtime_ns
    return all(kernel.stat().st_mtime_ns >= edited for kernel in kernels)
