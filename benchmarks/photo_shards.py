"""Shards of made-up photos and targets, seeded, for the benchmarks of reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.shards import Column, ShardSet, shard_name, write_index, write_shard

STRIDE, BINS, NEIGHBORS = 4, 313, 5
SHARDS = 8

Row = tuple[str, str, Mapping[str, npt.NDArray[Any]]]


def photo_columns(size: int) -> list[Column]:
    """Bare photos: the pixels alone."""
    return [Column("rgb", "uint8", (size, size, 3))]


def target_columns(size: int) -> list[Column]:
    """What soft encoding writes."""
    side = size // STRIDE
    return [
        Column("lightness", "uint8", (size, size)),
        Column("index", "uint16", (side, side, NEIGHBORS)),
        Column("weight", "float16", (side, side, NEIGHBORS)),
        Column("box", "int16", (4,)),
    ]


def write_photos(folder: Path, count: int, size: int) -> ShardSet:
    """Photos of noise; `count` is a multiple of SHARDS."""
    return _write(folder, "photos", photo_columns(size), count, size)


def write_targets(folder: Path, count: int, size: int, shards: int = SHARDS) -> ShardSet:
    """Targets with noise for lightness, random bins and weights, and photos wider than high."""
    return _write(folder, "targets", target_columns(size), count, size, shards)


def _write(
    folder: Path,
    kind: str,
    columns: Sequence[Column],
    count: int,
    size: int,
    shards: int = SHARDS,
) -> ShardSet:
    names = [shard_name(number) for number in range(shards)]
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        rows = (_row(rng, f"{name}/{k}", columns, size) for k in range(count // shards))
        write_shard(folder, name, columns, rows, count=count // shards)
    write_index(folder, kind, columns, names, {"size": size, "stride": STRIDE})
    return ShardSet.open(folder)


def _row(rng: np.random.Generator, name: str, columns: Sequence[Column], size: int) -> Row:
    arrays = dict(_arrays(rng, columns, size))
    return name, "train", arrays


def _arrays(
    rng: np.random.Generator, columns: Sequence[Column], size: int
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for column in columns:
        if column.name == "box":
            array = np.array([size // 8, 0, size - size // 4, size])
        elif column.name == "index":
            array = rng.integers(0, BINS, column.shape)
        elif column.name == "weight":
            array = rng.random(column.shape, dtype=np.float32)
            array /= array.sum(axis=-1, keepdims=True)
        else:
            array = rng.integers(0, 256, column.shape, dtype=np.uint8)
        yield column.name, array.astype(column.dtype)
