"""litdata: chunks of serialized samples, shuffled by its own sampler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import litdata
from litdata.streaming.cache import Cache

from benchmarks.readers.reader import StreamReader
from benchmarks.readers.record import Record
from huescape.shards import ShardSet


class PeerReader(StreamReader):
    """Its data set and its loader, of a local folder."""

    package = "litdata"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        data = litdata.StreamingDataset(str(self.folder), shuffle=True, seed=0)
        self.loader = litdata.StreamingDataLoader(
            data, batch_size=self.batch, num_workers=self.workers,
            collate_fn=self._collate, persistent_workers=self.workers > 0,
        )  # fmt: skip

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """Chunks of 64 MB with the row and the raw bytes of each photo."""
        cache = Cache(str(folder), chunk_bytes="64MB")
        for row in range(shards.count):
            cache[row] = {"row": row, "data": record.pack(shards, row)}
        cache.done()
        cache.merge()

    def _collate(self, samples: Sequence[Mapping[str, Any]]) -> tuple[list[int], Any]:
        return self.collated(
            [sample["row"] for sample in samples], [sample["data"] for sample in samples]
        )
