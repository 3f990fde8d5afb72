"""Other containers of samples, read into the same batches: one module a peer.

`PEERS` names them; a module is imported only when its peer is measured, since it imports the
peer's package.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.readers.reader import Reader

PEERS = {
    "webdataset": "webdataset_reader",
    "litdata": "litdata_reader",
    "MDS (mosaicml-streaming)": "mosaic_reader",
    "HDF5 (h5py)": "hdf5_reader",
    "LMDB": "lmdb_reader",
    "safetensors": "safetensors_reader",
    "ffcv": "ffcv_reader",
}


def load(name: str) -> type[Reader]:
    """The reader of a peer; raises what the import of its package raises."""
    module = import_module(f"benchmarks.readers.{PEERS[name]}")
    found: type[Reader] = module.PeerReader
    return found


__all__ = ["PEERS", "Reader", "load"]
