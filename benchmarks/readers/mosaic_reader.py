"""mosaicml-streaming: MDS shards, shuffled by its own sampler.

The package imports torchvision for data sets that are not used here. Where torchvision cannot be
imported, an empty stand-in takes its place for the time of the import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from torch.utils.data import DataLoader

from benchmarks.readers.reader import StreamReader
from benchmarks.readers.record import Record
from huescape.shards import ShardSet

_STAND_INS = {
    "torchvision": (),
    "torchvision.datasets": ("VisionDataset",),
    "torchvision.transforms": ("ToTensor",),
    "torchvision.transforms.functional": ("to_tensor",),
}


def _import_streaming() -> ModuleType:
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):
        for name in [key for key in sys.modules if key.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name, members in _STAND_INS.items():
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)  # others ask whether there is one
            for member in members:
                setattr(module, member, type(member, (), {}))
            sys.modules[name] = module
    try:
        return importlib.import_module("streaming")
    finally:
        for name in _STAND_INS:
            if not getattr(sys.modules.get(name), "__file__", None):
                sys.modules.pop(name, None)


streaming = _import_streaming()


class PeerReader(StreamReader):
    """Its data set of a local folder, in torch's loader."""

    package = "mosaicml-streaming"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        streaming.base.util.clean_stale_shared_memory()
        data = streaming.StreamingDataset(
            local=str(self.folder), shuffle=True, batch_size=self.batch, num_canonical_nodes=1
        )
        self.loader: DataLoader[Any] = DataLoader(
            data, self.batch, num_workers=self.workers,
            collate_fn=self._collate, persistent_workers=self.workers > 0,
        )  # fmt: skip

    @staticmethod
    def write(folder: Path, shards: ShardSet, record: Record) -> None:
        """Shards of 64 MB with the row and the raw bytes of each photo."""
        columns = {"row": "int", "data": "bytes"}
        with streaming.MDSWriter(out=str(folder), columns=columns, size_limit=1 << 26) as out:
            for row in range(shards.count):
                out.write({"row": row, "data": record.pack(shards, row)})

    def _collate(self, samples: Sequence[Mapping[str, Any]]) -> tuple[list[int], Any]:
        return self.collated(
            [sample["row"] for sample in samples], [sample["data"] for sample in samples]
        )
