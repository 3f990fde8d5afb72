"""HDF5: one file, a contiguous data set for each column, read row by row into the batch."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from benchmarks.readers.reader import RandomAccessReader, RowArray
from benchmarks.readers.record import Record, Stored
from huescape.shards import ShardSet


class PeerReader(RandomAccessReader):
    """Direct reads: twice as fast as h5py's fancy indexing."""

    package = "h5py"
    _file: h5py.File | None = None

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """A data set (count, *shape) for each column, without chunks."""
        with h5py.File(folder / "photos.h5", "w") as file:
            for column in record.columns:
                shape = shards.count, *column.shape
                stored = file.create_dataset(column.name, shape, column.stored)
                for number in range(len(shards.shard_names)):
                    rows = shards.shard_rows(number)
                    stored[rows.start : rows.stop] = shards.take(column.name, rows)

    def read(self, rows_N: RowArray) -> Stored:
        """Each column as one array."""
        if self._file is None:
            self._file = h5py.File(self.folder / "photos.h5", "r")
        found = {}
        for column in self.record.columns:
            stored = self._file[column.name]
            out = np.empty((len(rows_N), *column.shape), column.stored)
            for at, row in enumerate(rows_N.tolist()):
                stored.read_direct(out, np.s_[row], np.s_[at])
            found[column.name] = out
        return found
