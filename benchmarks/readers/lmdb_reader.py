"""LMDB: a record for each photo, read as a view of the memory map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lmdb

from benchmarks.readers.reader import RandomAccessReader, RowArray
from benchmarks.readers.record import Record, Stored
from huescape.shards import ShardSet


class PeerReader(RandomAccessReader):
    """One long read transaction whose values are buffers, not copies."""

    package = "lmdb"
    _environment: Any = None
    _transaction: Any = None

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """Keys are rows in eight bytes, big-endian, so that they lie in order."""
        room = shards.count * (record.size + 8192) + (1 << 24)
        with lmdb.open(str(folder / "photos.lmdb"), map_size=room) as environment:
            for number in range(len(shards.shard_names)):
                with environment.begin(write=True) as transaction:
                    for row in shards.shard_rows(number):
                        transaction.put(_key(row), record.pack(shards, row), append=True)

    def read(self, rows_N: RowArray) -> Stored:
        """Views of the memory map."""
        if self._transaction is None:
            path = str(self.folder / "photos.lmdb")
            self._environment = lmdb.open(path, readonly=True, lock=False, readahead=False)
            self._transaction = self._environment.begin(buffers=True)
        return self.record.unpack([self._transaction.get(_key(row)) for row in rows_N.tolist()])

    def close(self) -> None:
        """Close the file: workers that are started later must not inherit it."""
        super().close()
        if self._environment is not None:
            self._transaction = self._environment = self._environment.close()


def _key(row: int) -> bytes:
    return row.to_bytes(8, "big")
