"""The frames of a film, colored one after the other.

The network looks at the next frame, and its prediction is averaged with those before, while the one
before is decoded and painted: both take about as long, and most of it outside Python's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy.typing as npt

from huescape.coloring.manner import Manner
from huescape.coloring.painting import paint
from huescape.coloring.prediction import Prediction, predict
from huescape.film.settings import USUAL, Smoothing
from huescape.film.smoothing import Smoother
from huescape.params.decodings import ANNEALED, Decoding
from huescape.systems.system import System

Pixels = npt.NDArray[Any]
T = TypeVar("T")


@dataclass
class FilmColoring:
    """How the frames of one film are colored; what it remembers of them is bounded.

    Attributes:
        system, decoding, size, strength, edges: as in `coloring.painting.colorize`.
        smoothing: over time; None colors each frame alone.
    """

    system: System
    decoding: Decoding = ANNEALED
    size: int | None = None
    strength: float = 1.0
    edges: bool = Manner.edges
    smoothing: Smoothing | None = USUAL
    _smoother: Smoother | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Begin with nothing remembered."""
        self._smoother = Smoother(self.smoothing) if self.smoothing else None

    @property
    def cuts(self) -> int | None:
        """How many scenes have begun after the first; None without smoothing."""
        return self._smoother.cuts if self._smoother else None

    def colored(self, frames: Iterable[tuple[T, Pixels]]) -> Iterator[tuple[T, Pixels]]:
        """The pictures of `frames`, (H, W, 3) as `paint` gives them, each with what came with it.

        One frame more than was asked for is taken from `frames`.
        """
        with ThreadPoolExecutor(1) as ahead:
            waiting: tuple[T, Pixels, Future[Prediction]] | None = None
            for label, picture in frames:
                seen = ahead.submit(self._seen, picture)
                if waiting is not None:
                    yield self._painted(*waiting)
                waiting = label, picture, seen
            if waiting is not None:
                yield self._painted(*waiting)

    def _seen(self, picture: Pixels) -> Prediction:
        """Of one frame after the other: there is one thread for it."""
        prediction = predict(self.system, picture, self.size)
        return self._smoother(prediction) if self._smoother else prediction

    def _painted(self, label: T, picture: Pixels, seen: Future[Prediction]) -> tuple[T, Pixels]:
        prediction = seen.result()
        painted = paint(
            prediction, picture, self.decoding, strength=self.strength, edges=self.edges
        )
        return label, painted
