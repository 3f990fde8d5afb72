"""What every peer offers: epochs of batches in random order, by a number of workers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.readers.record import Record, Stored, collate
from huescape.shards import ShardSet

RowArray = npt.NDArray[np.int64]


class Reader(ABC):
    """A folder written by `write`, read in batches by `workers` processes (0: in this one).

    Attributes:
        package: the distribution whose version is told.
        worker_counts: those that are tried.
    """

    package: ClassVar[str]
    worker_counts: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def __init__(self, folder: Path, record: Record, count: int, batch: int, workers: int) -> None:
        self.folder, self.record, self.count = folder, record, count
        self.batch, self.workers = batch, workers

    @staticmethod
    @abstractmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """Write all photos of the shards, with the peer's own writer, uncompressed."""

    @abstractmethod
    def epoch(self, number: int) -> Iterator[tuple[RowArray, Stored]]:
        """All photos in an order of this epoch: global rows and what is stored, batch by batch."""

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what was started."""


class RandomAccessReader(Reader):
    """Of a container that gives any row: the order is ours, whole batches go to the workers."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._sampler = _EpochOrder(self.count, self.batch)
        self._loader: DataLoader[Any] | None = None
        if self.workers:
            self._loader = DataLoader(
                _Rows(self), None, sampler=self._sampler,
                num_workers=self.workers, persistent_workers=True,
            )  # fmt: skip

    @abstractmethod
    def read(self, rows_N: RowArray) -> Stored:
        """What is stored of these rows, as views where the container allows it."""

    def epoch(self, number: int) -> Iterator[tuple[RowArray, Stored]]:
        """Batches in a random order that depends on `number`."""
        self._sampler.epoch = number
        if self._loader is None:
            for rows_N in self._sampler:
                yield rows_N, self.read(rows_N)
            return
        for rows, stored in self._loader:
            yield rows.numpy(), {column: tensor.numpy() for column, tensor in stored.items()}

    def close(self) -> None:
        """End the workers."""
        self._loader = None


class StreamReader(Reader):
    """Of a container with an order of its own: its loader, which a subclass sets, gives rows and
    what `collated` makes of their records."""

    loader: Iterable[tuple[Any, Any]] | None

    def epoch(self, number: int) -> Iterator[tuple[RowArray, Stored]]:
        """Every photo once, in the container's order."""
        for rows, found in self.loader or ():
            if isinstance(found, torch.Tensor):
                yield np.asarray(rows), self.record.unpack_batch(found.numpy())
            else:
                yield np.asarray(rows), self.record.unpack(found)

    def close(self) -> None:
        """End the workers."""
        self.loader = None

    def collated(self, rows: Iterable[Any], buffers: list[bytes]) -> tuple[list[int], Any]:
        """For torch's `collate_fn`: one tensor from a worker; in this process nothing is copied."""
        numbers = [int(row) for row in rows]
        if not self.workers:
            return numbers, buffers
        return numbers, torch.from_numpy(collate(buffers, self.record.size))


class _EpochOrder:
    """Batches of rows in the order of an epoch."""

    def __init__(self, count: int, batch: int) -> None:
        self.count, self.batch, self.epoch = count, batch, 0

    def __len__(self) -> int:
        return self.count // self.batch

    def __iter__(self) -> Iterator[RowArray]:
        order = np.random.default_rng(self.epoch).permutation(self.count)
        return iter(order.reshape(-1, self.batch))


class _Rows(Dataset[Any]):
    """In a worker process: rows to tensors, each column one array, which goes by shared memory."""

    def __init__(self, reader: RandomAccessReader) -> None:
        self._make = type(reader), reader.folder, reader.record, reader.count, reader.batch
        self._reader: RandomAccessReader | None = None

    def __getitem__(self, rows_N: RowArray) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        if self._reader is None:
            kind, *arguments = self._make
            self._reader = kind(*arguments, 0)
        stored = self._reader.read(rows_N)
        tensors = {column: torch.from_numpy(np.stack(found)) for column, found in stored.items()}
        return torch.from_numpy(rows_N), tensors
