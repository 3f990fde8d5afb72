"""How a photo is colored, apart from which model colors it: what a person can choose."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from huescape.base.arguments import is_number
from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring.strokes import Hint
from huescape.params.decodings import ANNEALED, Decoding
from huescape.photos import PhotoError, read_bytes

_LEAST_SIZE = 8
_MOST_STRENGTH = 3.0


@dataclass(frozen=True)
class Manner:
    """All that decides, with the model, which color a pixel gets.

    Attributes:
        decoding: how a color is chosen from a distribution; a regression has none.
        size: longer side that the network sees, from 8; None for the model's own.
        strength: what chroma is multiplied by, 0 (gray) to 3.
        edges: whether colors end where the lightness changes.
        as_print: whether a frame gets no color, and a faded picture in gray or one tone is shown to
            the network from black to white.
        keep_toning: whether the tone of a print, such as sepia, is added to the new colors.
        hints, mask: colors that a person points at, and a PNG of strokes of such; of one photo.
    """

    decoding: Decoding = ANNEALED
    size: int | None = None
    strength: float = 1.0
    edges: bool = False
    as_print: bool = False
    keep_toning: bool = False
    hints: tuple[Hint, ...] = ()
    mask: Path | None = None

    def check(self, dashes: str = "--") -> None:
        """Raise ParamsError for a number out of range; `dashes` stand before its name."""
        is_whole = isinstance(self.size, Integral) and not isinstance(self.size, bool)
        if self.size is not None and not (is_whole and self.size >= _LEAST_SIZE):
            raise ParamsError(
                f"{dashes}size is {_said(self.size)}; allowed: at least {_LEAST_SIZE} pixels"
            )
        if not (is_number(self.strength) and 0 <= self.strength <= _MOST_STRENGTH):  # NaN is not
            raise ParamsError(
                f"{dashes}strength is {_said(self.strength)}; allowed: 0 to {_MOST_STRENGTH:g}"
            )
        if not isinstance(self.edges, bool | np.bool_):
            raise ParamsError(f"{dashes}edges is {_said(self.edges)}; allowed: True or False")

    def settings(self) -> dict[str, Any]:
        """As JSON holds it: equal for manners that color alike.

        Raises HuescapeError for a mask that cannot be read.
        """
        try:
            digest = self.mask and hashlib.sha256(read_bytes(self.mask)).hexdigest()
        except PhotoError as error:
            raise HuescapeError(
                f"--hints-mask {error.detail}; allowed: a PNG of the photo's size"
            ) from error
        own = {"decoding": self.decoding.model_dump(mode="json"), "mask": digest}
        return dict(json.loads(json.dumps({**asdict(self), **own})))


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)[:80]
