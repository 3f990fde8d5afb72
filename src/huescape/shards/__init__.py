"""The on-disk format of photos and targets: described data in memory-mappable files."""

from huescape.shards.format import CHROMA_LEVELS, Column, Sidecar, read_sidecar, shard_name
from huescape.shards.reader import ShardSet
from huescape.shards.writer import write_index, write_shard

__all__ = [
    "CHROMA_LEVELS",
    "Column",
    "ShardSet",
    "Sidecar",
    "read_sidecar",
    "shard_name",
    "write_index",
    "write_shard",
]
