"""A few validation photos: their loss, and what they look like in the system's colors.

Shape suffixes: N photos, 1 channel, H rows, W columns; h, w rows and columns of the targets,
K bins of a target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.boxes import Box
from huescape.color import decoding
from huescape.params.decodings import ANNEALED
from huescape.shards import CHROMA_LEVELS, ShardSet
from huescape.systems.photos import shown_box
from huescape.systems.system import System
from huescape.training.batches import Batch, Batches
from huescape.training.geometry import nearest_targets

_PHOTOS, _PICTURES, _BATCH = 32, 4, 8


class Validation:
    """Up to 32 photos spread evenly over the validation split."""

    def __init__(self, system: System, shards: ShardSet, batches: Batches) -> None:
        self._system, self._shards, self._batches = system, shards, batches
        rows = shards.rows("val")
        spread = np.linspace(0, len(rows) - 1, min(_PHOTOS, len(rows))).round().astype(int)
        self._rows = rows[spread]

    @cached_property
    def _stored(self) -> dict[str, npt.NDArray[Any]]:
        """The photos, read once: fetched shards would take the room of those of training."""
        return {name: self._shards.take(name, self._rows) for name in self._shards.columns}

    def loss(self, batch_loss: Callable[[Batch], Tensor], device: torch.device) -> float | None:
        """Mean loss over the photos, each batch weighted by its photos; None without photos."""
        if not len(self._rows):
            return None
        self._system.network.eval()
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(self._rows), _BATCH):
                some = slice(start, start + _BATCH)
                stored = {name: list(photos[some]) for name, photos in self._stored.items()}
                batch = self._batches.assemble(stored).to(device)
                total += float(batch_loss(batch)) * len(stored["box"])
        return total / len(self._rows)

    def pictures(self) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Name and rgb (H, 2 W, 3) of a few photos: the target's own colors, then the predicted."""
        photos = range(0, len(self._rows), max(1, len(self._rows) // _PICTURES))[:_PICTURES]
        for k, photo in enumerate(photos):
            box = Box.of(self._stored["box"][photo])
            levels_SS = self._stored["lightness"][photo]
            lightness_SS = self._system.space.uint8_to_lightness(levels_SS)
            lightness_HW = np.ascontiguousarray(box.cut(lightness_SS))
            true_SS2 = self._target_chroma(photo, box, len(lightness_SS))
            pair = [
                decoding.join(lightness_HW, np.ascontiguousarray(ab_HW2), self._system.space)
                for ab_HW2 in (box.cut(true_SS2), self._predicted_chroma(lightness_SS, box))
            ]
            yield f"val-{k}", np.concatenate(pair, axis=1)

    def _predicted_chroma(
        self, lightness_SS: npt.NDArray[np.floating[Any]], box: Box
    ) -> npt.NDArray[np.float32]:
        """The colors (H, W, 2) of the photo at `box`, as evaluation predicts them."""
        shown = shown_box(self._system, box, len(lightness_SS))
        seen_11HW = torch.from_numpy(shown.cut(lightness_SS).copy())[None, None]
        chroma_2HW = self._system.predict_chroma(seen_11HW, ANNEALED)[0].cpu().numpy()
        return box.seen_from(shown).cut(np.moveaxis(chroma_2HW, 0, -1))

    def _target_chroma(self, photo: int, box: Box, size: int) -> npt.NDArray[np.float32]:
        """What a perfect network would give, for the whole square (size, size, 2).

        Targets beyond the photo are taken from its edge, as theirs is the color of padding.
        """
        stride = self._shards.number("stride")
        point_h = np.arange(stride // 2, size, stride)
        rows, columns = (
            nearest_targets(point_h, first, first + length - 1, stride, len(point_h))
            for first, length in ((box.top, box.height), (box.left, box.width))
        )
        chroma_hw2 = self._stored_chroma(photo)[np.ix_(rows, columns)]
        chroma_12hw = torch.from_numpy(chroma_hw2).permute(2, 0, 1)[None]
        upsampled = decoding.upsample_chroma(chroma_12hw, (size, size), stride)[0]
        return upsampled.permute(1, 2, 0).contiguous().numpy()

    def _stored_chroma(self, photo: int) -> npt.NDArray[np.float32]:
        """The target (h, w, 2): a chroma, or the mean of its bins."""
        system = self._system
        if "chroma" in self._stored:
            levels_2hw = self._stored["chroma"][photo].astype(np.float32)
            scale = np.float32(system.space.chroma_scale / CHROMA_LEVELS)
            return np.moveaxis(levels_2hw * scale, 0, -1)
        index_hwK = self._stored["index"][photo]
        weight_hwK = np.ones(index_hwK.shape, np.float32) / index_hwK.shape[-1]
        if "weight" in self._stored:
            weight_hwK = self._stored["weight"][photo].astype(np.float32)
        centers = system.centers[index_hwK.astype(np.int64)].astype(np.float32)
        return np.asarray(np.einsum("hwkc,hwk->hwc", centers, weight_hwK))
