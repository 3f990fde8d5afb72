"""Batches, read in-process from memory-mapped shards; each is a pure function of seed and step.

Worker processes make memory-mapped shards several times slower, and a batch that depends on
nothing but its step is what lets an interrupted run go on exactly where it stopped.

Shape suffixes: N photos, 1 channel, H rows, W columns; h, w rows and columns of the targets,
K bins of a target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from huescape.base.boxes import Box
from huescape.base.errors import HuescapeError
from huescape.color.spaces import Space
from huescape.losses.targets import Targets
from huescape.params.geometry import check_geometry
from huescape.params.systems import AugmentationParams, GeometryParams, PhotosParams
from huescape.shards import CHROMA_LEVELS, ShardSet
from huescape.training import augmentation, taking
from huescape.training.augmentation import Draw, Floats32
from huescape.training.geometry import Geometry
from huescape.training.order import Order
from huescape.training.selection import training_rows

IntArray = npt.NDArray[np.int64]
Stored = Mapping[str, Sequence[npt.NDArray[Any]]]

# First words of the seeds, so that changes, variants and positions draw from independent streams.
_CHANGES, _VARIANT, _POSITIONS = 2, 3, 4  # 1 is that of `Order`
_ALL_PHOTOS = PhotosParams()


@dataclass(frozen=True)
class Batch:
    """Tensors on the CPU at first: normalized lightness, and what its color should be.

    With `positions_NP`, the targets are those at these positions alone (see `Targets.at`).
    """

    input_N1HW: Tensor
    targets: Targets
    positions_NP: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device, its input laid out as the networks like it."""
        input_N1HW = self.input_N1HW.to(device)
        dense = input_N1HW.contiguous(memory_format=torch.channels_last)
        positions_NP = None if self.positions_NP is None else self.positions_NP.to(device)
        return Batch(dense, self.targets.to(device), positions_NP)


class Batches:
    """The training batches of a set of target shards, and unaugmented ones of other rows.

    `positions` is the share of the targets that a training batch has, or None for all; `photos`
    says which photos training sees, and `shuffle_shards` is the window of their `Order`. Of every
    training batch of `size` photos, `part` is what is made: everything is drawn for the whole
    batch, so that a photo is shown alike in any part.

    Raises HuescapeError when the training split is empty, the photos do not suit `params` and
    `geometry`, or the columns of the shards are not of the size and stride that their index tells.
    """

    def __init__(
        self,
        shards: ShardSet,
        space: Space,
        params: AugmentationParams,
        geometry: GeometryParams,
        *,
        size: int,
        seed: int,
        positions: float | None = None,
        photos: PhotosParams = _ALL_PHOTOS,
        shuffle_shards: int | None = None,
        part: slice | None = None,
    ) -> None:
        self._shards, self._params, self._seed, self._batch = shards, params, seed, size
        self._share, self._part = positions, part
        stored, stride = shards.number("size"), shards.number("stride")
        check_geometry(params, geometry, stored, stride)
        _check_columns(shards, stored, stored // stride)
        self._geometry = Geometry.of(params, geometry, stored, stride)
        self._variants = augmentation.variants(params) if params.mode == "single" else None
        self._train_rows = training_rows(shards, photos)
        numbers = shards.shard_numbers(self._train_rows)
        sizes = np.bincount(numbers, minlength=len(shards.shard_names)).tolist()
        each = 1 if self._variants is None else len(self._variants.share_N)
        self._order = Order(seed, sizes, variants=each, window=shuffle_shards)
        # A photo has 256 levels of lightness: normalizing is a table lookup.
        self._levels = space.network_input(space.gray_levels()).astype(np.float32)
        self._level_step = np.float32(self._levels[255] - self._levels[0])

    @property
    def epoch(self) -> int:
        """How many pictures an epoch shows: every variant of every photo."""
        return self._order.epoch

    def train(self, step: int) -> Batch:
        """The augmented batch of `step`, 0 being the first."""
        if self._shards.is_remote:
            self._announce(step)
        return self.assemble(self._stored(self.rows(step)), step)

    def first(self, count: int) -> Batch:
        """Up to `count` photos without augmentation, those that training sees first."""
        photo_P = self._order.pictures(range(self.epoch)) % len(self._train_rows)
        _, first_P = np.unique(photo_P, return_index=True)
        chosen = photo_P[np.sort(first_P)[:count]]
        return self.unaugmented(self._train_rows[np.sort(chosen)])

    def unaugmented(self, rows_N: IntArray) -> Batch:
        """Photos (at least one) without augmentation, as far as the geometry can show them."""
        return self.assemble(self._stored(rows_N))

    def rows(self, step: int) -> IntArray:
        """The photos of `step`; epochs, each in its own order, follow one another."""
        return self._train_rows[self._pictures(step) % len(self._train_rows)]

    def assemble(self, stored: Stored, step: int | None = None) -> Batch:
        """A batch of photos as stored, augmented as in `step`, or without augmentation.

        Args:
            stored: {column: a photo's array for each of N photos}, at least one.
        """
        box = Box.of(np.stack(stored["box"]))
        generators: list[np.random.Generator] = []
        if step is None:
            whole = augmentation.unaugmented(self._geometry, box)
        else:
            whole, generators = self._drawn(box, step)
        part = (step is not None and self._part) or slice(0, len(box.top))
        own = {column: photos[part] for column, photos in stored.items()}
        drawn = whole.some(part)
        input_NHW = self._lightness(own["lightness"], drawn)
        if drawn.noise_N.any():
            shape = input_NHW.shape[1:]
            noise_NHW = augmentation.noise(whole.noise_N, shape, generators, part)
            noise_NHW *= self._level_step
            input_NHW += noise_NHW
        taken = _bins if "index" in own else _chroma
        targets = Targets(torch.from_numpy(taking.take_mask(drawn)), **taken(own, drawn))
        if len(targets.mask_Nhw) < len(box.top):
            whole_Mhw = torch.from_numpy(taking.take_mask(whole))
            targets = replace(targets, whole_Mhw=whole_Mhw)
        batch = Batch(torch.from_numpy(input_NHW)[:, None], targets)
        return batch if step is None or self._share is None else self._scattered(batch, step, part)

    def _lightness(self, photos: Sequence[npt.NDArray[Any]], drawn: Draw) -> Floats32:
        """Normalized lightness (N, H, W), without noise."""
        input_NHW: Floats32 = taking.take_pixels(photos, drawn, self._levels)
        if drawn.curves is not None:
            drawn.curves.bend(input_NHW, self._levels[0], self._level_step)
        return input_NHW

    def _scattered(self, batch: Batch, step: int, part: slice) -> Batch:
        """The batch with a share of its targets, at positions drawn for the whole batch."""
        assert self._share is not None
        targets, generator = batch.targets, np.random.default_rng([_POSITIONS, self._seed, step])
        drawn_MP = torch.from_numpy(_positions(targets.batch_Mhw.shape, self._share, generator))
        some = targets.at(drawn_MP[part])
        if targets.whole_Mhw is not None:
            some = replace(some, whole_Mhw=Targets(targets.whole_Mhw).at(drawn_MP).mask_Nhw)
        return Batch(batch.input_N1HW, some, drawn_MP[part])

    def _pictures(self, step: int) -> IntArray:
        """The numbers in an epoch of the pictures of `step`: photo + variant x photos."""
        return self._order.pictures(range(step * self._batch, (step + 1) * self._batch))

    def _announce(self, step: int) -> None:
        """Have shards fetched: of this batch and the next, of their blocks and the one after."""
        rows_M = np.concatenate([self.rows(step), self.rows(step + 1)])
        blocks = self._order.shards(range(step * self._batch, (step + 2) * self._batch))
        soon = self._shards.shard_numbers(rows_M).tolist()
        self._shards.expect([*soon, *blocks])

    def _drawn(self, box: Box, step: int) -> tuple[Draw, list[np.random.Generator]]:
        """What is done to the photos of `step`, and a generator for the noise of each."""
        generator = np.random.default_rng([_CHANGES, self._seed, step])
        count = len(box.top)
        if self._variants is None:
            changes = augmentation.together(self._params, count, generator)
            own = [generator] * count
        else:
            picture_N = self._pictures(step)
            changes = self._variants.of(picture_N // len(self._train_rows))
            own = [np.random.default_rng([_VARIANT, self._seed, k]) for k in picture_N.tolist()]
        place_N2 = np.array([each.random(2) for each in own])
        return augmentation.draw(changes, self._geometry, box, generator, place_N2), own

    def _stored(self, rows_N: IntArray) -> Stored:
        return {column: self._shards.views(column, rows_N) for column in self._shards.columns}


def _positions(shape: Sequence[int], share: float, generator: np.random.Generator) -> IntArray:
    """Positions (N, P) of a share of targets (N, h, w), none twice and rising."""
    count, positions = shape[0], math.prod(shape[1:])
    kept = max(1, round(positions * share))
    order_NP = generator.random((count, positions)).argpartition(kept - 1, axis=1)
    return np.sort(order_NP[:, :kept], axis=1)


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


def _bins(stored: Stored, drawn: Draw) -> dict[str, Tensor]:
    index = taking.take_targets(stored["index"], drawn, dtype=np.int64)
    found = {"index_NhwK": torch.from_numpy(index)}
    if "weight" in stored:
        weight = taking.take_targets(stored["weight"], drawn, table=_half_floats())
        found["weight_NhwK"] = torch.from_numpy(weight)
    return found


def _chroma(stored: Stored, drawn: Draw) -> dict[str, Tensor]:
    chroma_Nhw2 = taking.take_planes(stored["chroma"], drawn, _chroma_levels())
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
