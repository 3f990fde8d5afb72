"""The way into the room, for commands: what films need is looked for only when there is one."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from huescape.base.errors import HuescapeError
from huescape.coloring.manner import Manner
from huescape.film.settings import USUAL, Smoothing, Storing
from huescape.params.decodings import ANNEALED, Decoding

if TYPE_CHECKING:
    from huescape.film.facts import FilmFacts

_NEEDED = {"av": "PyAV", "cv2": "OpenCV"}


def color_film(
    model: Path,
    film: Path,
    out: Path,
    decoding: Decoding = ANNEALED,
    size: int | None = None,
    *,
    strength: float = 1.0,
    edges: bool = Manner.edges,
    smoothing: Smoothing | None = USUAL,
    storing: Storing = Storing(),  # noqa: B008 - frozen
    overwrite: bool = False,
    asked: Sequence[str] = (),
    device: str = "cpu",
) -> FilmFacts:
    """`whole.color_film`, which says what the arguments are; HuescapeError without its packages."""
    missing = [name for module, name in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise HuescapeError(
            f"{film}: to color films, {' and '.join(missing)} must be installed: "
            "pip install 'huescape[film]'"
        )
    from huescape.film import whole

    return whole.color_film(
        model,
        film,
        out,
        decoding,
        size,
        strength=strength,
        edges=edges,
        smoothing=smoothing,
        storing=storing,
        overwrite=overwrite,
        asked=asked,
        device=device,
    )
