"""Batches, read in-process from memory-mapped shards; each is a pure function of seed and step.

Worker processes make memory-mapped shards several times slower, and a batch that depends on
nothing but its step is what lets an interrupted run go on exactly where it stopped.

Shape suffixes: N photos, 1 channel, H rows, W columns; h, w rows and columns of the targets,
K bins of a target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.color.spaces import Space
from huescape.losses.targets import Targets
from huescape.params.systems import AugmentationParams
from huescape.shards import CHROMA_LEVELS, ShardSet
from huescape.training import augmentation
from huescape.training.augmentation import Draw, Geometry

IntArray = npt.NDArray[np.int64]
Stored = Mapping[str, Sequence[npt.NDArray[Any]]]

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

    Raises HuescapeError when the training split is empty, a crop does not fit, or the columns of
    the shards are not of the size and stride that their index tells.
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
        self._shards, self._params, self._seed, self._batch = shards, params, seed, size
        stored, stride = shards.number("size"), shards.number("stride")
        crop = stored if params.crop is None else params.crop
        if crop > stored or crop % stride:
            raise HuescapeError(
                f"augmentation.crop is {crop}; allowed: at most {stored}, a multiple of {stride}"
            )
        _check_columns(shards, stored, stored // stride)
        self._geometry = Geometry(stored, crop, stride)
        self._train_rows = shards.rows("train")
        if not len(self._train_rows):
            raise HuescapeError("the target shards hold no photo of the training split")
        # A photo has 256 levels of lightness: normalizing is a table lookup.
        self._levels = space.network_input(space.gray_levels()).astype(np.float32)
        self._level_step = np.float32(self._levels[255] - self._levels[0])

    def train(self, step: int) -> Batch:
        """The augmented batch of `step`, 0 being the first."""
        return self.assemble(self._stored(self.rows(step)), step)

    def first(self, count: int) -> Batch:
        """Up to `count` whole photos, those that training sees first."""
        order = _order(self._seed, 0, len(self._train_rows))
        return self.whole(self._train_rows[np.sort(order[:count])])

    def whole(self, rows_N: IntArray) -> Batch:
        """Whole photos (at least one), without augmentation."""
        return self.assemble(self._stored(rows_N))

    def rows(self, step: int) -> IntArray:
        """The photos of `step`; epochs, each in its own order, follow one another."""
        photos = len(self._train_rows)
        stream_N = np.arange(step * self._batch, (step + 1) * self._batch)
        orders = [_order(self._seed, int(epoch), photos) for epoch in np.unique(stream_N // photos)]
        first = int(stream_N[0] // photos)
        at = [orders[k // photos - first][k % photos] for k in stream_N.tolist()]
        return self._train_rows[at]

    def assemble(self, stored: Stored, step: int | None = None) -> Batch:
        """A batch of photos as stored, augmented as in `step`, or whole.

        Args:
            stored: {column: a photo's array for each of N photos}, at least one.
        """
        count, stride = len(stored["box"]), self._geometry.stride
        if step is None:
            generator, drawn = None, augmentation.whole(self._geometry, count)
        else:
            generator = np.random.default_rng([_CHANGES, self._seed, step])
            drawn = augmentation.draw(self._params, self._geometry, count, generator)
        input_NHW = augmentation.take_pixels(stored["lightness"], drawn, self._levels)
        if generator is not None and drawn.noise_N.any():
            noise_NHW = augmentation.noise_like(drawn, input_NHW.shape, generator)
            noise_NHW *= self._level_step
            input_NHW += noise_NHW
        mask = augmentation.take_mask(np.stack(stored["box"]), drawn, stride)
        taken = _bins if "index" in stored else _chroma
        targets = Targets(torch.from_numpy(mask), **taken(stored, drawn, stride))
        return Batch(torch.from_numpy(input_NHW)[:, None], targets)

    def _stored(self, rows_N: IntArray) -> Stored:
        return {column: self._shards.views(column, rows_N) for column in self._shards.columns}


def _check_columns(shards: ShardSet, size: int, side: int) -> None:
    """Photos have `size` x `size` pixels and `side` x `side` targets, in any number of bins."""
    shapes = {name: column.shape for name, column in shards.columns.items()}
    bins = shapes.get("index", ())[2:3] or (1,)
    expected = {"lightness": (size, size), "chroma": (2, side, side), "box": (4,)}
    expected |= {"index": (side, side, *bins), "weight": (side, side, *bins)}
    for name, shape in shapes.items():
        if shape != expected.get(name, shape):
            raise HuescapeError(
                f"{shards.folder}: the index contradicts itself: column {name!r} has shape "
                f"{shape}, but allowed by size and stride is {expected[name]}"
            )


def _bins(stored: Stored, drawn: Draw, stride: int) -> dict[str, Tensor]:
    index = augmentation.take_targets(stored["index"], drawn, stride, dtype=np.int64)
    found = {"index_NhwK": torch.from_numpy(index)}
    if "weight" in stored:
        table = _half_floats()
        weight = augmentation.take_targets(stored["weight"], drawn, stride, table=table)
        found["weight_NhwK"] = torch.from_numpy(weight)
    return found


def _chroma(stored: Stored, drawn: Draw, stride: int) -> dict[str, Tensor]:
    chroma_Nhw2 = augmentation.take_planes(stored["chroma"], drawn, stride, _chroma_levels())
    return {"chroma_N2hw": torch.from_numpy(chroma_Nhw2).permute(0, 3, 1, 2)}


@lru_cache(maxsize=1)
def _half_floats() -> npt.NDArray[np.float32]:
    """Every float16 by its bits, as float32."""
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


@lru_cache(maxsize=1)
def _chroma_levels() -> npt.NDArray[np.float32]:
    """The chroma of every stored int16 by its bits, in units of the space's scale."""
    levels = np.arange(1 << 16, dtype=np.uint16).view(np.int16)
    return levels.astype(np.float32) / np.float32(CHROMA_LEVELS)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, photos: int) -> IntArray:
    """The order of the photos in an epoch."""
    return np.random.default_rng([_ORDER, seed, epoch]).permutation(photos)
