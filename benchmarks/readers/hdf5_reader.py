"""HDF5: one file with one contiguous data set of packed records, read row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5s, h5t

from benchmarks.readers.reader import RandomAccessReader, RowArray
from benchmarks.readers.record import Record, Stored
from huescape.shards import ShardSet

_NAME = "photos"


class PeerReader(RandomAccessReader):
    """Low-level reads with dataspaces used again: several times as fast as `read_direct`."""

    package = "h5py"
    _file: h5py.File | None = None
    _data: Any = None
    _spaces: tuple[Any, Any]

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """A data set (count, bytes of a record), without chunks."""
        with h5py.File(folder / "photos.h5", "w") as file:
            stored = file.create_dataset(_NAME, (shards.count, record.size), np.uint8)
            for number in range(len(shards.shard_names)):
                for row in shards.shard_rows(number):
                    stored[row] = np.frombuffer(record.pack(shards, row), np.uint8)

    def read(self, rows_N: RowArray) -> Stored:
        """The records as one array, and each column as a view of it."""
        data = self._opened()
        in_file, in_memory = self._spaces
        size = self.record.size
        bytes_NB = np.empty((len(rows_N), size), np.uint8)
        for at, row in enumerate(rows_N.tolist()):
            in_file.select_hyperslab((row, 0), (1, size))
            data.read(in_memory, in_file, bytes_NB[at], h5t.NATIVE_UINT8)
        return self.record.unpack_batch(bytes_NB)

    def close(self) -> None:
        """Close the file: workers that are started later must not inherit it."""
        super().close()
        if self._file is not None:
            self._data = None
            self._file = self._file.close()

    def _opened(self) -> Any:
        if self._data is None:
            self._file = h5py.File(self.folder / "photos.h5", "r")
            self._data = self._file[_NAME].id
            self._spaces = self._data.get_space(), h5s.create_simple((self.record.size,))
        return self._data
