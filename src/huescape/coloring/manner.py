"""How a photo is colored, apart from which model colors it: what a person can choose."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huescape.base.arguments import is_number
from huescape.base.errors import HuescapeError, ParamsError
from huescape.params.decodings import ANNEALED, Decoding

if TYPE_CHECKING:  # its defaults are asked for where nothing heavy may be loaded
    from huescape.coloring.strokes import Hint

_LEAST_SIZE = 8
_MOST_STRENGTH = 3.0


def check_size(size: int | None, dashes: str = "--") -> None:
    """Raise ParamsError for a longer side out of range; `dashes` stand before its name."""
    is_whole = isinstance(size, Integral) and not isinstance(size, bool)
    if size is not None and not (is_whole and size >= _LEAST_SIZE):
        raise ParamsError(f"{dashes}size is {_said(size)}; allowed: at least {_LEAST_SIZE} pixels")


@dataclass(frozen=True)
class Manner:
    """All that decides, with the model, which color a pixel gets.

    Its defaults are those of every way in which a picture is made for a person.

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
    edges: bool = True
    as_print: bool = True
    keep_toning: bool = False
    hints: tuple[Hint, ...] = ()
    mask: Path | None = None

    def check(self, dashes: str = "--") -> None:
        """Raise ParamsError for a number out of range; `dashes` stand before its name."""
        check_size(self.size, dashes)
        if not (is_number(self.strength) and 0 <= self.strength <= _MOST_STRENGTH):  # NaN is not
            raise ParamsError(
                f"{dashes}strength is {_said(self.strength)}; allowed: 0 to {_MOST_STRENGTH:g}"
            )
        for name, value in (("edges", self.edges), ("as_print", self.as_print)):
            if type(value).__name__ not in ("bool", "bool_"):  # NumPy's, too
                raise ParamsError(f"{dashes}{name} is {_said(value)}; allowed: True or False")

    def settings(self) -> dict[str, Any]:
        """As JSON holds it: equal for manners that color alike.

        Raises HuescapeError for a mask that cannot be read.
        """
        from huescape.photos import PhotoError, read_bytes

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
