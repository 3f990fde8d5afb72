"""What a person chooses for the photos that are colored together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huescape.base.errors import ParamsError
from huescape.coloring.album import Naming
from huescape.coloring.manner import Manner

MAX_MEGAPIXELS = 120
_MOST_MEGAPIXELS, _MOST_WORKERS = 10_000, 1000


@dataclass(frozen=True)
class Choices:
    """How photos are colored, and what with.

    Attributes:
        model: folder of the system.
        manner: how a color is found.
        naming: how results are called.
        compares: whether a result is the photo in gray and colored, side by side.
        overwrite: whether files of others may be replaced.
        max_megapixels: photos of more are refused.
        device: where the network computes.
        workers: processes; None for as many as are worth it.
        asked: options that said how colors are chosen, which a regression cannot follow.
    """

    model: Path
    manner: Manner = field(default_factory=Manner)
    naming: Naming = field(default_factory=Naming)
    compares: bool = False
    overwrite: bool = False
    max_megapixels: float = MAX_MEGAPIXELS
    device: str = "cpu"
    workers: int | None = None
    asked: Sequence[str] = ()

    def check(self) -> None:
        """Raise ParamsError for a number out of range, or a suffix that no name can have."""
        self.manner.check()
        self.naming.check()
        if not 0 < self.max_megapixels <= _MOST_MEGAPIXELS:
            raise ParamsError(
                f"--max-megapixels is {self.max_megapixels:g}; allowed: above 0, at most "
                f"{_MOST_MEGAPIXELS:,}"
            )
        if self.workers is not None and not 1 <= self.workers <= _MOST_WORKERS:
            raise ParamsError(f"--workers is {self.workers}; allowed: 1 to {_MOST_WORKERS:,}")
