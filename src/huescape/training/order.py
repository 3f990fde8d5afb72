"""In which order a training sees its pictures: a function of seed, epoch and sizes of shards alone.

Shape suffixes: P pictures of an epoch, N places of a batch, S shards, B blocks of shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

# First word of the seed: the other draws of a training have others (see `batches`).
_ORDER = 1


class Epoch(NamedTuple):
    """The pictures of an epoch in order, and the shards of each block beside where it ends."""

    picture_P: IntArray
    blocks: list[list[int]]
    end_B: IntArray


class Order:
    """The order of a training's pictures; epochs, each in its own order, follow one another.

    A picture is a variant of a photo. In an epoch its number is photo + variant x photos, with
    photos numbered shard by shard; `sizes` has the photos of each shard, 0 where none is seen.

    Without `window`, an epoch is one permutation of its pictures. With it, the shards with photos
    are permuted, and blocks of `window` of them (the last may have fewer) follow one another, each
    a permutation of its own pictures: that of MosaicML's streaming (`py1br`) with whole shards for
    blocks, on one canonical node. The buffers of webdataset and tf.data, out of which each picture
    is drawn while the next takes its place, mix across such borders, but cannot be entered in the
    midst of an epoch. A window of all shards is none.
    """

    def __init__(
        self, seed: int, sizes: Sequence[int], *, variants: int = 1, window: int | None = None
    ) -> None:
        self._seed, self._variants = seed, variants
        self._size_S = np.array(sizes, dtype=np.int64)
        self._shards = np.flatnonzero(self._size_S)
        self._window = max(1, len(self._shards)) if window is None else window
        self._epoch = lru_cache(maxsize=4)(self._drawn)

    @property
    def photos(self) -> int:
        """How many photos there are."""
        return int(self._size_S.sum())

    @property
    def epoch(self) -> int:
        """How many pictures an epoch shows: every variant of every photo."""
        return self._variants * self.photos

    def pictures(self, places: range) -> IntArray:
        """The numbers (N,) of the pictures at these places of all epochs together, from 0."""
        epoch_N, at_N = np.divmod(np.arange(places.start, places.stop), self.epoch)
        orders = {k: self._epoch(k).picture_P for k in np.unique(epoch_N).tolist()}
        pairs = zip(epoch_N.tolist(), at_N.tolist(), strict=True)
        return np.array([orders[epoch][at] for epoch, at in pairs])

    def shards(self, places: range) -> list[int]:
        """The shards of the blocks of these places, at least one, then those of the next block."""
        (first, start), (last, stop) = (divmod(k, self.epoch) for k in (places[0], places[-1]))
        found: list[list[int]] = []
        for number in range(first, last + 1):
            epoch = self._epoch(number)
            begin = _block(epoch, start) if number == first else 0
            end = _block(epoch, stop) + 1 if number == last else len(epoch.blocks)
            found += epoch.blocks[begin:end]
        following = self._epoch(last).blocks[end : end + 1] or self._epoch(last + 1).blocks[:1]
        return list(dict.fromkeys(chain(*found, *following)))

    def _drawn(self, number: int) -> Epoch:
        generator = np.random.default_rng([_ORDER, self._seed, number])
        if self._window >= len(self._shards):
            picture_P = generator.permutation(self.epoch)
            return Epoch(picture_P, [self._shards.tolist()], np.array([self.epoch]))
        shard_S = generator.permutation(self._shards)
        parts = np.split(shard_S, range(self._window, len(shard_S), self._window))
        blocks = [generator.permutation(self._pictures_of(part)) for part in parts]
        end_B = np.cumsum([len(block) for block in blocks])
        return Epoch(np.concatenate(blocks), [part.tolist() for part in parts], end_B)

    def _pictures_of(self, shards: IntArray) -> IntArray:
        """The pictures of these shards, variant by variant."""
        ends = np.cumsum(self._size_S)
        photos = [np.arange(ends[k] - self._size_S[k], ends[k]) for k in shards.tolist()]
        variants = np.arange(self._variants)[:, None] * self.photos
        return np.asarray(variants + np.concatenate(photos)).ravel()


def _block(epoch: Epoch, at: int) -> int:
    return int(epoch.end_B.searchsorted(at, side="right"))
