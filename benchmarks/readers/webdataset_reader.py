"""webdataset: tar files, shuffled by whole shards and in a buffer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import webdataset

from benchmarks.readers.reader import StreamReader
from benchmarks.readers.record import Record
from huescape.shards import ShardSet

_BUFFER = 512


class PeerReader(StreamReader):
    """Sequential reads; the order is random within the buffer only."""

    package = "webdataset"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        paths = [str(path) for path in sorted(self.folder.glob("*.tar"))]
        stream = webdataset.WebDataset(
            paths, shardshuffle=len(paths), seed=0, empty_check=False,
            workersplitter=webdataset.split_by_worker,
        )  # fmt: skip
        stream = stream.shuffle(_BUFFER, initial=_BUFFER).to_tuple("__key__", "bin")
        stream = stream.batched(self.batch, collation_fn=self._collate, partial=False)
        self.loader = webdataset.WebLoader(
            stream, batch_size=None, num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )  # fmt: skip

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """A tar file for each shard, a member of raw bytes for each photo."""
        for number, name in enumerate(shards.shard_names):
            with webdataset.TarWriter(str(folder / f"{name}.tar")) as tar:
                for row in shards.shard_rows(number):
                    tar.write({"__key__": f"{row:08d}", "bin": record.pack(shards, row)})

    def _collate(self, samples: list[tuple[str, bytes]]) -> tuple[list[int], Any]:
        return self.collated([key for key, _ in samples], [content for _, content in samples])
