"""Weights in half precision, and how far that moves colors.

Shape suffixes: N photos, H rows, W columns, C outputs; h, w are H, W divided by the network's
stride.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.evaluation.passes import Seen, batches, example_ids, inside, see, seen_side
from huescape.metrics.chroma import unclipped_ab
from huescape.params.decodings import Decoding
from huescape.shards import ShardSet
from huescape.systems.system import System, load_system

PHOTOS = 50
#: What half precision may move colors by at most, in ab: the mean over pixels, and of all but one
#: pixel in a thousand. A step of an 8-bit channel is about 0.3.
MEAN, HIGH = 0.1, 1.0
_PERCENTILE, _DIGITS = 99.9, 4


@dataclass(frozen=True)
class Moved:
    """Distances in ab between the colors of two systems: mean and 99.9 percentile over pixels."""

    mean: float
    high: float
    photos: int


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in half precision, but for those that are no floating-point numbers.

    Raises HuescapeError for one with a value that half precision cannot hold.
    """
    found = {name: x.half() if x.is_floating_point() else x for name, x in state.items()}
    for name, x in found.items():
        if not bool(torch.isfinite(x).all()):
            raise HuescapeError(f"{name}: has values that half precision cannot hold")
    return found


def half_system(model: Path) -> System:
    """The system in `model` with the weights that it has in half precision."""
    system = load_system(model)
    system.network.load_own_state(halved(system.network.own_state()))
    return system


def moved_by_half(model: Path, resized: Path, decoding: Decoding) -> Moved:
    """How far half precision moves colors on up to 50 validation photos, chosen by a hash.

    Raises HuescapeError where there are none, and beyond `MEAN` or `HIGH`.
    """
    photos = ShardSet.open(resized, "photos")
    rows = photos.rows("val")
    wanted = set(example_ids([photos.ids[row] for row in rows], PHOTOS))
    rows = np.array([row for row in rows if photos.ids[row] in wanted], dtype=np.int64)
    if not len(rows):
        raise HuescapeError(
            f"{resized}: no photo of the split val, on which half precision could be checked"
        )
    pair = load_system(model), half_system(model)
    distances = np.concatenate(list(_distances(*pair, photos, rows, decoding)))
    high = float(np.percentile(distances, _PERCENTILE))
    found = Moved(round(float(distances.mean()), _DIGITS), round(high, _DIGITS), len(rows))
    # The other way round, NaN would pass.
    if not (found.mean <= MEAN and found.high <= HIGH):
        raise HuescapeError(
            f"{model}: half precision moves colors by {found.mean:g} of ab in the mean and "
            f"{found.high:g} at the 99.9th percentile of {found.photos} validation photos; "
            f"allowed: {MEAN:g} and {HIGH:g}"
        )
    return found


def _distances(
    full: System, half: System, photos: ShardSet, rows: npt.NDArray[np.int64], decoding: Decoding
) -> Iterator[npt.NDArray[np.float64]]:
    """Of each photo's pixels, (H W,)."""
    for batch in batches(rows, seen_side(full, photos)):
        for one, other in zip(see(full, photos, batch), see(half, photos, batch), strict=True):
            ab_HW2 = [_ab(full, seen, decoding) for seen in (one, other)]
            yield np.linalg.norm(ab_HW2[0] - ab_HW2[1], axis=-1).ravel()


def _ab(system: System, seen: Seen, decoding: Decoding) -> npt.NDArray[np.float64]:
    """The colors (H, W, 2) of a photo, before clipping."""
    size = seen.rgb_HW3.shape[0], seen.rgb_HW3.shape[1]
    lightness_11HW = torch.from_numpy(seen.lightness_HW)[None, None]
    chroma_12HW = system.decode(seen.output_Chw[None], decoding, size, size, lightness_11HW)
    chroma_HW2 = inside(chroma_12HW[0].permute(1, 2, 0).cpu().numpy(), seen.own)
    return unclipped_ab(inside(seen.lightness_HW, seen.own), chroma_HW2, system.space.name).astype(
        np.float64
    )
