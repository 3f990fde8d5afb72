"""The network's outputs for stored photos, in batches, each with what it saw.

Shape suffixes: N photos, S side of the padded photos, H rows and W columns of what is shown,
C outputs; h, w are H, W divided by the network's stride.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.base.boxes import Box
from huescape.metrics.pictures import Picture
from huescape.shards import ShardSet
from huescape.systems.photos import predict_photos, shown_box
from huescape.systems.system import System

# Pixels of one forward pass; 4 photos of 256 x 256 keep the memory of 313 full-size logits low.
_BATCH_PIXELS = 4 * 256 * 256
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """A photo, and what the network said of it.

    Attributes:
        photo: its id.
        rgb_HW3: what was shown of it; the photo itself lies at `own`, the rest is padding.
        lightness_HW: of that, in units of the system's space.
        output_Chw: logits of bins, or chroma.
    """

    photo: str
    rgb_HW3: Picture
    lightness_HW: npt.NDArray[np.float32]
    own: Box
    output_Chw: torch.Tensor

    def positions(self, stride: int) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        """Pixels of the output's rows and columns, and (h, w) which of them lie on the photo."""
        rows, columns = (
            np.arange(count) * stride + stride // 2 for count in self.output_Chw.shape[1:]
        )
        return rows, columns, self.own.holds(rows, columns)


def example_ids(ids: Sequence[str], count: int) -> list[str]:
    """The `count` photos to show: the first by the hash of their id, the same for every system."""
    return sorted(ids, key=lambda photo: hashlib.sha256(photo.encode()).hexdigest())[:count]


def seen_side(system: System, photos: ShardSet) -> int:
    """The side of the largest picture that the network sees of stored photos."""
    return max(int(photos.columns["rgb"].shape[0]), system.params.geometry.view or 0)


def batches(rows_N: Rows, side: int) -> Iterator[Rows]:
    """The rows of photos seen at `side` pixels, as many at a time as go through the network."""
    batch = max(1, _BATCH_PIXELS // side**2)
    for start in range(0, len(rows_N), batch):
        yield rows_N[start : start + batch]


def see(system: System, photos: ShardSet, rows: Rows) -> list[Seen]:
    """What the network says of these photos, which go through it together."""
    rgb_NSS3, boxes = photos.take("rgb", rows), [Box.of(b) for b in photos.take("box", rows)]
    views = [shown_box(system, box, rgb_NSS3.shape[1]) for box in boxes]
    lightness_NSS = system.space.from_rgb(rgb_NSS3)[..., 0]
    planes = [view.cut(plane) for view, plane in zip(views, lightness_NSS, strict=True)]
    outputs = predict_photos(system, planes)
    parts = zip(rows, rgb_NSS3, boxes, views, planes, outputs, strict=True)
    return [
        Seen(photos.ids[row], view.cut(rgb_SS3), plane_HW, box.seen_from(view), output_Chw)
        for row, rgb_SS3, box, view, plane_HW, output_Chw in parts
    ]


def inside(plane_HWC: npt.NDArray[Any], box: Box) -> npt.NDArray[Any]:
    """The part of a plane (H, W, C) that is the photo, in one piece."""
    return np.ascontiguousarray(box.cut(plane_HWC))


def unpadded(photos: ShardSet, rows: Sequence[int] | Rows) -> list[Picture]:
    """Photos without their padding."""
    pairs = zip(photos.take("rgb", rows), photos.take("box", rows), strict=True)
    return [inside(rgb_SS3, Box.of(box)) for rgb_SS3, box in pairs]
