"""What every score is: how it is counted, and how it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from huescape.metrics.photo import FloatArray, PhotoScore, Truth
    from huescape.metrics.photo_sums import Sums
    from huescape.metrics.pictures import Picture
    from huescape.metrics.totals import Rules, Totals


class Score:
    """A score; one of a kind is `metrics/scores/<key>.py`, and nothing else names it.

    A new one need only `measure` a photo: the mean over the photos is then its total.

    Attributes:
        label, sentence: its name, and what it means to a newcomer.
        digits: decimals where it is shown.
        best: the largest value, the smallest, or the one closest to the truth's.
        place: where it stands among the others.
        headline: whether `dvc metrics` and the list of MLflow's runs show it.
        columns: what it adds to the table of photos; None for its key.
    """

    label: str
    sentence: str
    digits: int = 3
    best: Literal["high", "low", "truth"] = "high"
    place: int = 100
    headline: bool = False
    columns: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """Its name in files: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def photo_columns(self) -> tuple[str, ...]:
        """Names of what `photo` gives."""
        return (self.key,) if self.columns is None else self.columns

    def pick(self, values: Sequence[float], truth: float | None) -> float | None:
        """The best of `values`; None of none, or where there is no truth to be close to."""
        if self.best == "truth":
            if truth is None:
                return None
            return min(values, key=lambda value: abs(value - truth), default=None)
        return (max if self.best == "high" else min)(values, default=None)

    def measure(self, true: Truth, ab_HW2: FloatArray, rgb_HW3: Picture) -> float | None:
        """The score of one prediction of one photo, or None for one made of the common counts.

        Args:
            ab_HW2: the predicted ab in Lab units, before any clipping.
            rgb_HW3: the predicted picture, clipped and rounded.
        """
        return None

    def photo(self, score: PhotoScore, rules: Rules) -> dict[str, float]:
        """What a photo's row says, by column; NaN where nothing could be measured."""
        return {self.key: score.measured.get(self.key, math.nan)}

    def total(self, totals: Totals) -> dict[str, float]:
        """What all photos together say; NaN and infinity are undefined."""
        return {self.key: totals.mean(self.key)}

    def of_sums(self, sums: Sums) -> FloatArray | None:
        """The total of each of R resamplings of the photos, (R,); None: not kept photo by photo."""
        return sums.mean_R.get(self.key)
