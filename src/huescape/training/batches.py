"""Batches, read in-process from memory-mapped shards; each is a pure function of seed and step.

Worker processes make memory-mapped shards several times slower, and a batch that depends on
nothing but its step is what lets an interrupted run go on exactly where it stopped.

Shape suffixes: N photos, 1 channel, H rows, W columns; h, w rows and columns of the targets,
K bins of a target.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.color.spaces import Space
from huescape.errors import HuescapeError
from huescape.losses.targets import Targets
from huescape.params.systems import AugmentationParams
from huescape.shards import CHROMA_LEVELS, ShardSet
from huescape.training import augmentation
from huescape.training.augmentation import Draw, Geometry

IntArray = npt.NDArray[np.int64]

# First words of the seeds, so that order, crops and noise draw from independent streams.
_ORDER, _CHANGES = 1, 2


@dataclass(frozen=True)
class Batch:
    """Tensors on the CPU at first: normalized lightness, and what its color should be."""

    input_N1HW: Tensor
    targets: Targets

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device, its input laid out as the networks like it."""
        input_N1HW = self.input_N1HW.to(device)
        dense = input_N1HW.contiguous(memory_format=torch.channels_last)
        return Batch(dense, self.targets.to(device))


class Batches:
    """The training batches of a set of target shards, and unaugmented ones of other rows.

    Raises HuescapeError when the training split is empty or a crop does not fit.
    """

    def __init__(
        self,
        shards: ShardSet,
        space: Space,
        params: AugmentationParams,
        *,
        size: int,
        seed: int,
    ) -> None:
        meta = shards.meta
        self._shards, self._params, self._seed, self._batch = shards, params, seed, size
        stored, stride = int(meta["size"]), int(meta["stride"])
        crop = stored if params.crop is None else params.crop
        if crop > stored or crop % stride:
            raise HuescapeError(
                f"augmentation.crop is {crop}; allowed: at most {stored}, a multiple of {stride}"
            )
        self._geometry = Geometry(stored, crop, stride)
        self._train_rows = shards.rows("train")
        if not len(self._train_rows):
            raise HuescapeError("the target shards hold no photo of the training split")
        # A photo has 256 levels of lightness: normalizing is a table lookup.
        self._levels = space.network_input(space.gray_levels()).astype(np.float32)
        self._level_step = np.float32(self._levels[255] - self._levels[0])

    def train(self, step: int) -> Batch:
        """The augmented batch of `step`, 0 being the first."""
        generator = np.random.default_rng([_CHANGES, self._seed, step])
        rows_N = self._train_rows[self._positions(step)]
        drawn = augmentation.draw(self._params, self._geometry, len(rows_N), generator)
        return self._make(rows_N, drawn, generator)

    def first(self, count: int) -> Batch:
        """Up to `count` whole photos, those that training sees first."""
        order = _order(self._seed, 0, len(self._train_rows))
        return self.whole(self._train_rows[np.sort(order[:count])])

    def whole(self, rows_N: IntArray) -> Batch:
        """Whole photos, without augmentation."""
        return self._make(rows_N, augmentation.whole(self._geometry, len(rows_N)), None)

    def _positions(self, step: int) -> IntArray:
        """Positions in the training rows; epochs, each in its own order, follow one another."""
        photos = len(self._train_rows)
        stream_N = np.arange(step * self._batch, (step + 1) * self._batch)
        orders = [_order(self._seed, int(epoch), photos) for epoch in np.unique(stream_N // photos)]
        first = int(stream_N[0] // photos)
        return np.array([orders[k // photos - first][k % photos] for k in stream_N.tolist()])

    def _make(self, rows_N: IntArray, drawn: Draw, generator: np.random.Generator | None) -> Batch:
        stride = self._geometry.stride
        levels_NHW = augmentation.take_pixels(self._shards.take("lightness", rows_N), drawn)
        input_NHW = self._levels[levels_NHW]
        if generator is not None and drawn.noise_N.any():
            noise_NHW = augmentation.noise_like(drawn, input_NHW.shape, generator)
            input_NHW += noise_NHW * self._level_step
        mask = augmentation.take_mask(self._shards.take("box", rows_N), drawn, stride)
        taken = self._bins if "index" in self._shards.columns else self._chroma
        targets = Targets(torch.from_numpy(mask), **taken(rows_N, drawn))
        return Batch(torch.from_numpy(input_NHW)[:, None], targets)

    def _bins(self, rows_N: IntArray, drawn: Draw) -> dict[str, Tensor]:
        stride = self._geometry.stride
        index = augmentation.take_targets(self._shards.take("index", rows_N), drawn, stride)
        found = {"index_NhwK": torch.from_numpy(index.astype(np.int64))}
        if "weight" in self._shards.columns:
            weight = augmentation.take_targets(self._shards.take("weight", rows_N), drawn, stride)
            found["weight_NhwK"] = torch.from_numpy(weight.astype(np.float32))
        return found

    def _chroma(self, rows_N: IntArray, drawn: Draw) -> dict[str, Tensor]:
        stored_Nhw2 = np.moveaxis(self._shards.take("chroma", rows_N), 1, -1)
        taken_Nhw2 = augmentation.take_targets(stored_Nhw2, drawn, self._geometry.stride)
        chroma_Nhw2 = taken_Nhw2.astype(np.float32) / np.float32(CHROMA_LEVELS)
        return {"chroma_N2hw": torch.from_numpy(chroma_Nhw2).permute(0, 3, 1, 2)}


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, photos: int) -> IntArray:
    """The order of the photos in an epoch."""
    return np.random.default_rng([_ORDER, seed, epoch]).permutation(photos)
