"""The files of a search for neighbors: a table, a summary, and a picture of the closest pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base import atomic, digests
from huescape.base.tables import NUMBER, TEXT, WHOLE, frame, write_table
from huescape.figures import grid
from huescape.metrics.pictures import Picture
from huescape.params.perception import NeighborsParams
from huescape.perception.nearest import BY, Neighbors
from huescape.perception.pages import neighbors_page

_DIGITS = 6
_COLUMNS = {
    **{"id": TEXT, "by": TEXT, "train": TEXT},
    **{"hamming": WHOLE, "cosine_color": NUMBER, "cosine_gray": NUMBER},
}
_SHARES = ((0.0, "min"), (0.05, "p5"), (0.5, "median"), (0.95, "p95"), (1.0, "max"))
#: Cosines from which photos are counted.
COUNTED = (0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Pair:
    """A photo and a training photo, as a row of the table."""

    photo: str
    by: str
    train: str
    hamming: int
    color: float
    gray: float


def pairs(
    ids: Sequence[str], training: Sequence[str], found: Mapping[str, Neighbors]
) -> list[Pair]:
    """One for each photo and measure, by the photo's id."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return [_pair(ids[n], by, training, found[by], n) for n in order for by in BY]


def _pair(photo: str, by: str, training: Sequence[str], found: Neighbors, n: int) -> Pair:
    train = training[found.place_N[n]]
    numbers = int(found.hamming_N[n]), float(found.color_N[n]), float(found.gray_N[n])
    return Pair(photo, by, train, *numbers)


def summary(
    split: str,
    params: NeighborsParams,
    found: Mapping[str, Neighbors],
    among: Mapping[str, Neighbors],
    training: int,
) -> dict[str, Any]:
    """How near the photos' neighbors are, and, as a measure, those of training photos themselves.

    `among` are the neighbors of some training photos among all others: nearer ones of the photos
    of `split` than these would say that the split is not apart.
    """
    return {
        "split": split,
        "photos": len(found["hash"].place_N),
        "training_photos": training,
        "max_distance": params.max_distance,
        "within_max_distance": int((found["hash"].hamming_N <= params.max_distance).sum()),
        "nearest": _nearness(found),
        "training_among_themselves": {
            "photos": len(among["hash"].place_N),
            "nearest": _nearness(among),
        },
    }


def _nearness(found: Mapping[str, Neighbors]) -> dict[str, Any]:
    cosines = {"cosine_color": found["color"].color_N, "cosine_gray": found["gray"].gray_N}
    told: dict[str, Any] = {"hamming": _spread(found["hash"].hamming_N)}
    for name, values_N in cosines.items():
        counts = {f"at_least_{least:g}": int((values_N >= least).sum()) for least in COUNTED}
        told[name] = _spread(values_N) | counts
    return told


def _spread(values_N: npt.NDArray[Any]) -> dict[str, float]:
    found = np.quantile(values_N, [share for share, _ in _SHARES])
    return {
        name: round(float(value), _DIGITS) for (_, name), value in zip(_SHARES, found, strict=True)
    }


def closest(found: Sequence[Pair], params: NeighborsParams) -> list[Pair]:
    """The pairs to be shown, each once: those that count as copies, then the highest cosines."""
    ranked = sorted(
        found, key=lambda pair: (pair.hamming > params.max_distance, -pair.color, pair.photo)
    )
    unique = {(pair.photo, pair.train): pair for pair in reversed(ranked)}
    return [pair for pair in ranked if unique.get((pair.photo, pair.train)) is pair][: params.pairs]


def write(
    folder: Path,
    found: Sequence[Pair],
    told: Mapping[str, Any],
    shown: Sequence[Pair],
    picture: Callable[[str], Picture],
) -> None:
    """Write `neighbors.csv`, `summary.json`, if any are shown `pairs.png`, and a page of them.

    All or nothing.
    """
    rows = [[p.photo, p.by, p.train, p.hamming, p.color, p.gray] for p in found]
    with atomic.fresh_directory(folder) as fresh:
        write_table(fresh / "neighbors.csv", frame(rows, _COLUMNS), _DIGITS)
        atomic.write_json(fresh / "summary.json", told)
        if shown:
            columns = (f"Photo ({told['split']})", "Training photo")
            lines = [(_caption(pair), [picture(pair.photo), picture(pair.train)]) for pair in shown]
            grid.draw(fresh / "pairs.png", columns, lines, across=min(2, len(shown)))
        page = neighbors_page(told, fresh / "pairs.png" if shown else None)
        atomic.write_text(fresh / "index.html", page)
        digests.seal(fresh)


def _caption(pair: Pair) -> str:
    near = f"cosine {pair.color:.3f} (gray {pair.gray:.3f}), {pair.hamming} bits apart"
    return f"{pair.photo}\n{pair.train}\n{near}"
