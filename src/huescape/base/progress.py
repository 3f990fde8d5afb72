"""Progress bars on standard error, for work that takes over two seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from huescape.base import runtime

T = TypeVar("T")


def progress(
    iterable: Iterable[T], total: int | None = None, desc: str = "", unit: str = "photo"
) -> Iterator[T]:
    """Yield from `iterable`, with a bar that appears after two seconds."""
    yield from bar(iterable, total=total, desc=desc, unit=unit)


def bar(
    iterable: Iterable[T] | None = None,
    total: int | None = None,
    desc: str = "",
    unit: str = "photo",
    initial: int = 0,
    scale: bool = False,
) -> tqdm[T]:
    """The bar itself, for work that is not a loop; `scale` prints counts as k, M, G."""
    shown: tqdm[T] = tqdm(  # type: ignore[assignment]
        iterable,
        total=total,
        desc=desc,
        unit=unit,
        initial=initial,
        unit_scale=scale,
        delay=2,
        disable=runtime.rank() > 0,  # of many processes, one speaks
        mininterval=0.5,
        dynamic_ncols=True,
    )
    return shown
