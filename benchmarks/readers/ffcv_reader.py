"""ffcv: one memory-mapped file, read by the threads of its loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ffcv.fields import IntField, NDArrayField
from ffcv.fields.decoders import IntDecoder, NDArrayDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import ToTensor
from ffcv.writer import DatasetWriter
from torch.utils.data import Dataset

from benchmarks.readers.reader import Reader, RowArray
from benchmarks.readers.record import Record, Stored
from huescape.shards import ShardSet


class PeerReader(Reader):
    """Workers are threads, at least one; the file lies in the page cache."""

    package = "ffcv"
    worker_counts = (1, 2)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        pipelines = {"row": [IntDecoder(), ToTensor()], "data": [NDArrayDecoder(), ToTensor()]}
        self._loader = Loader(
            str(self.folder / "photos.beton"), batch_size=self.batch, num_workers=self.workers,
            os_cache=True, order=OrderOption.RANDOM, seed=0, pipelines=pipelines,
        )  # fmt: skip

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """The row and the raw bytes of each photo."""
        fields = {"row": IntField(), "data": NDArrayField(np.dtype("uint8"), (record.size,))}
        writer = DatasetWriter(str(folder / "photos.beton"), fields, num_workers=1)
        writer.from_indexed_dataset(_Records(shards, record))

    def epoch(self, number: int) -> Iterator[tuple[RowArray, Stored]]:
        """Every photo once."""
        for rows, found in self._loader:
            yield rows.numpy().reshape(-1), self.record.unpack_batch(found.numpy())


class _Records(Dataset[Any]):
    def __init__(self, shards: ShardSet, record: Record) -> None:
        self._shards, self._record = shards, record

    def __len__(self) -> int:
        return self._shards.count

    def __getitem__(self, row: int) -> tuple[int, Any]:
        return row, np.frombuffer(self._record.pack(self._shards, row), np.uint8)
