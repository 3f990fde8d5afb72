"""The project's own shards, as a peer of themselves: what worker processes make of them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.readers.reader import RandomAccessReader, RowArray
from benchmarks.readers.record import Record, Stored
from huescape.shards import ShardSet


class ShardsReader(RandomAccessReader):
    """Each worker opens the folder of shards and hands over batches, as with other peers."""

    package = "huescape"
    worker_counts = (1, 2)
    _shards: ShardSet | None = None

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """Nothing: the shards are there."""

    def read(self, rows_N: RowArray) -> Stored:
        """Views of the memory maps."""
        if self._shards is None:
            self._shards = ShardSet.open(self.folder)
        shards = self._shards
        return {column.name: shards.views(column.name, rows_N) for column in self.record.columns}
