"""safetensors: a file for each shard, whose tensors are views of the memory map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from benchmarks.readers.reader import RandomAccessReader, RowArray
from benchmarks.readers.record import AnyArray, Record, Stored
from huescape.shards import ShardSet


class PeerReader(RandomAccessReader):
    """Torch's side of the library: its tensors share the pages of the file."""

    package = "safetensors"
    _maps: dict[str, list[AnyArray]] | None = None
    _ends_S: RowArray

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """A tensor (photos, *shape) for each column, in as many files as there are shards."""
        for number, name in enumerate(shards.shard_names):
            rows = shards.shard_rows(number)
            columns = {column.name: shards.take(column.name, rows) for column in record.columns}
            save_file(columns, folder / f"{name}.safetensors")

    def read(self, rows_N: RowArray) -> Stored:
        """Views of the memory maps."""
        maps = self._opened()
        shard_N = np.searchsorted(self._ends_S, rows_N, side="right")
        local_N = rows_N - np.append(0, self._ends_S)[shard_N]
        places = list(zip(shard_N.tolist(), local_N.tolist(), strict=True))
        return {name: [shards[s][row] for s, row in places] for name, shards in maps.items()}

    def _opened(self) -> dict[str, list[AnyArray]]:
        if self._maps is None:
            paths = sorted(self.folder.glob("*.safetensors"))
            files = [safe_open(path, framework="pt") for path in paths]
            self._maps = {
                column.name: [file.get_tensor(column.name).numpy() for file in files]
                for column in self.record.columns
            }
            first = next(iter(self._maps.values()))
            self._ends_S = np.cumsum([len(shard) for shard in first])
        return self._maps
