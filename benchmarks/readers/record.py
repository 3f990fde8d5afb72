"""A photo as one string of bytes, for containers that store such: its columns one after another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.shards import Column, ShardSet

AnyArray = npt.NDArray[Any]
Stored = Mapping[str, Sequence[AnyArray]]


class Record:
    """Where each column lies in the bytes of a photo; the widest numbers must not come last."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.size = 0
        self._places: dict[str, tuple[int, int]] = {}
        for column in self.columns:
            count = math.prod(column.shape)
            self._places[column.name] = self.size, count
            self.size += count * column.stored.itemsize

    def pack(self, shards: ShardSet, row: int) -> bytes:
        """The bytes of a photo of the shards."""
        return b"".join(shards.take(column.name, [row]).tobytes() for column in self.columns)

    def unpack(self, buffers: Sequence[Any]) -> Stored:
        """Views of N buffers: {column: N arrays}; nothing is copied."""
        found: dict[str, list[AnyArray]] = {}
        for column in self.columns:
            start, count = self._places[column.name]
            found[column.name] = [
                np.frombuffer(buffer, column.stored, count, start).reshape(column.shape)
                for buffer in buffers
            ]
        return found

    def unpack_batch(self, bytes_NB: npt.NDArray[np.uint8]) -> Stored:
        """Views (N, *shape) of a batch of records (N, size); nothing is copied."""
        found = {}
        for column in self.columns:
            start, count = self._places[column.name]
            part_NB = bytes_NB[:, start : start + count * column.stored.itemsize]
            found[column.name] = part_NB.view(column.stored).reshape(-1, *column.shape)
        return found


def collate(buffers: Sequence[Any], size: int) -> npt.NDArray[np.uint8]:
    """N buffers of `size` bytes as one array (N, size): what a worker process can hand over."""
    bytes_NB = np.empty((len(buffers), size), np.uint8)
    for at, buffer in enumerate(buffers):
        bytes_NB[at] = np.frombuffer(buffer, np.uint8)
    return bytes_NB
