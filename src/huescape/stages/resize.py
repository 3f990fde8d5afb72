"""Stage resize: fit the kept photos into squares of RGB uint8, in shards."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape import photos
from huescape.base.errors import HuescapeError
from huescape.base.pool import advance, working_on
from huescape.params import places
from huescape.params.photos import ResizeParams
from huescape.params.sections import read_section
from huescape.photos import PhotoError
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import CATALOG, Partitions, read_partition
from huescape.shards import Column, shard_name, write_index, write_shard
from huescape.shards.partitions import Keys, add_partition_arguments, run_partitions
from huescape.shards.writer import Row
from huescape.sources.hashing import changed_photo


def add_arguments(parser: ArgumentParser) -> None:
    """All at once, or in parts."""
    add_partition_arguments(parser)


def main(options: Namespace) -> dict[str, float]:
    """Fit the kept photos into squares."""
    params = read_section(places.PARAMS, "resize", ResizeParams)
    part = {"partition": options.partition, "gather": options.gather}
    return run(places.CATALOG, places.RESIZED, params, **part)


def run(
    catalog: Path,
    out: Path,
    params: ResizeParams,
    *,
    partition: int | None = None,
    gather: bool = False,
) -> dict[str, float]:
    """Write shards of kind `photos` to `out`: columns `rgb` (S, S, 3) and `box` (4,).

    Args:
        catalog: the folder of the stage filter, with `catalog.parquet`.
        partition: make only this partition; the bytes are the same as of the whole run.
        gather: only write the index over the partitions already made.
    Returns:
        counts: `photos`, of the partition if only one was made, and `shards`.
    Raises:
        HuescapeError: no catalog, no such partition, a partition made from other photos, or a
            photo that changed or vanished since it was listed.
    """
    if gather and partition is not None:
        raise HuescapeError("resize: --partition and --gather exclude each other")
    members, total = _members(catalog / CATALOG, params.shards, partition)
    columns = _columns(params.size)
    keys = Keys(params.shards, lambda k: _key(members[k], params.size))
    names = [shard_name(k) for k in range(params.shards)]
    run_partitions(
        out,
        keys,
        lambda k: _MakeShard(k, members[k], params.size, keys[k]),
        stage="resize",
        partition=partition,
        gather=lambda folder: _write_index(folder, columns, names, params.size),
        only_gather=gather,
        total=total,
        desc="resize",
    )
    return {"photos": float(total), "shards": float(params.shards if partition is None else 1)}


@dataclass(frozen=True)
class _MakeShard:
    """Make shard k, of these photos, in a folder."""

    k: int
    rows: Sequence[CatalogRow]
    size: int
    key: str

    def __call__(self, folder: Path) -> None:
        write_shard(
            folder,
            shard_name(self.k),
            _columns(self.size),
            _fitted(self.rows, self.size),
            lambda: {"inputs": self.key},
            count=len(self.rows),
        )


def _fitted(rows: Sequence[CatalogRow], size: int) -> Iterator[Row]:
    for row in rows:
        working_on(row.path)
        rgb, box = photos.fit(_decode_unchanged(row), size)
        yield row.id, row.split, {"rgb": rgb, "box": box}
        advance()


def _decode_unchanged(row: CatalogRow) -> npt.NDArray[np.uint8]:
    advice = "run `dvc repro -f download`, then go on"
    try:
        data = photos.read_bytes(Path(row.path), row.offset, row.bytes)
        if hashlib.sha256(data).hexdigest() != row.sha256:
            raise changed_photo(Path(row.path), row.offset)
        allowed = max(photos.MAX_PIXELS, row.width * row.height)  # the filter has looked at it
        with photos.enough_memory(row.path):
            return photos.decode_photo(data, allowed)
    except PhotoError as error:
        if error.reason == "missing":
            raise HuescapeError(
                f"{error.detail}: vanished since it was listed; {advice}"
            ) from error
        raise HuescapeError(
            f"{row.path}: {error}; the stage filter could decode it: run `dvc repro -f filter`"
        ) from error


def _members(
    catalog: Path, shards: int, partition: int | None
) -> tuple[Partitions | dict[int, list[CatalogRow]], int]:
    """The kept photos by partition, of one alone if it is given, and how many they are."""
    if partition is not None:
        rows = read_partition(catalog, partition, shards)
        return {partition: rows}, len(rows)
    members = Partitions(catalog, shards)
    return members, members.total


def _key(rows: Sequence[CatalogRow], size: int) -> str:
    """Digest of all that the bytes of a partition follow from; where the photos lie is not."""
    digest = hashlib.sha256(f"{size}\n".encode())
    for row in rows:
        digest.update(f"{row.id}\0{row.split}\0{row.sha256}\n".encode())
    return digest.hexdigest()


def _columns(size: int) -> list[Column]:
    return [Column("rgb", "uint8", (size, size, 3)), Column("box", "int16", (4,))]


def _write_index(folder: Path, columns: Sequence[Column], names: Sequence[str], size: int) -> None:
    write_index(folder, "photos", columns, names, {"size": size})
