"""The features of stored photos: those of a network's blocks, and the photo's own gray.

Shape suffixes: N photos, H rows and W columns of what is seen, F features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from huescape.base.boxes import Box
from huescape.base.progress import progress
from huescape.probing.blocks import block_names, pooled, watched
from huescape.shards import ShardSet
from huescape.systems.photos import predict_photos, shown_box
from huescape.systems.system import System

Features = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
_BATCH_PIXELS = 4 * 256 * 256  # of one forward pass


def block_features(
    system: System, photos: ShardSet, rows_N: Rows, features: int, what: str
) -> dict[str, Features]:
    """{block: (N, F)} of every block of the system's network; `what` is said of the progress."""
    names = block_names(system.network)
    found: dict[str, Features] = {}
    groups = list(_alike(system, photos, rows_N))
    with watched(system.network, names, features) as last:
        for places, boxes in progress(groups, total=len(groups), desc=what, unit="batch"):
            predict_photos(system, _lightness(system, photos, rows_N[places], boxes))
            for name in names:
                part = last[name].numpy()
                rows_NF = found.setdefault(name, np.empty((len(rows_N), part.shape[1]), part.dtype))
                rows_NF[places] = part
    return found


def gray_features(system: System, photos: ShardSet, rows_N: Rows, features: int) -> Features:
    """What the network sees, lightness in the space's units, averaged to (N, F) in squares."""
    found = np.empty((len(rows_N), math.isqrt(features) ** 2), np.float32)
    for places, boxes in _alike(system, photos, rows_N):
        planes = _lightness(system, photos, rows_N[places], boxes)
        found[places] = pooled(torch.from_numpy(np.stack(planes)[:, None]), features).numpy()
    return found


def _alike(system: System, photos: ShardSet, rows_N: Rows) -> Iterator[tuple[list[int], list[Box]]]:
    """(places among `rows_N`, what is seen of each) of photos of one shape, a batch at a time."""
    size = int(photos.columns["rgb"].shape[0])
    batch = max(1, _BATCH_PIXELS // max(size, system.params.geometry.view or 0) ** 2)
    views = [shown_box(system, Box.of(box), size) for box in photos.take("box", rows_N)]
    shapes: dict[tuple[int, int], list[int]] = {}
    for place, view in enumerate(views):
        shapes.setdefault((int(view.height), int(view.width)), []).append(place)
    for members in shapes.values():
        for start in range(0, len(members), batch):
            places = members[start : start + batch]
            yield places, [views[place] for place in places]


def _lightness(
    system: System, photos: ShardSet, rows: Rows, boxes: Sequence[Box]
) -> list[npt.NDArray[np.float32]]:
    lightness_NSS = system.space.from_rgb(photos.take("rgb", rows))[..., 0]
    return [box.cut(plane_SS) for box, plane_SS in zip(boxes, lightness_NSS, strict=True)]
