"""A large picture some rows at a time, so that what is computed on the way stays small."""

from __future__ import annotations

from collections.abc import Iterator

#: About so many pixels are worked on at once.
PIXELS = 1 << 20


def strips(size: tuple[int, int]) -> Iterator[slice]:
    """The rows of a picture of `size` = (rows, columns)."""
    rows = max(1, PIXELS // size[1])
    return (slice(top, min(top + rows, size[0])) for top in range(0, size[0], rows))
