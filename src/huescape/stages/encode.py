"""Stage encode: the targets of every pixel, encoded once, so that training only reads them.

Shape suffixes: H, W pixels of the photo's own area, S side of the padded square, s = S / stride,
K bins of a pixel.
"""

from __future__ import annotations

import hashlib
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from huescape.base.arrays import read_arrays
from huescape.base.boxes import Box
from huescape.base.digests import remedy
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.pool import advance, working_on
from huescape.color.cells import cell_bin
from huescape.color.encoding import BinMass, nearest_bin, soft_encode
from huescape.color.spaces import space as named_space
from huescape.params.places import PARAMS, RESIZED, SHARDS, bins_of
from huescape.params.quantizers import (
    CellEncoding,
    ChromaTargets,
    HardEncoding,
    QuantizerParams,
    SoftEncoding,
)
from huescape.params.sections import read_entry
from huescape.shards import (
    CHROMA_LEVELS,
    Column,
    ShardSet,
    read_sidecar,
    shard_name,
    write_index,
    write_shard,
)
from huescape.shards.format import maker, masses, read_index, sidecar_file, whole_number
from huescape.shards.partitions import Keys, add_partition_arguments, run_partitions

Array = npt.NDArray[Any]
Encoding: TypeAlias = HardEncoding | CellEncoding | SoftEncoding | ChromaTargets


def add_arguments(parser: ArgumentParser) -> None:
    """Which quantizer."""
    parser.add_argument("quantizer", help="a name under `quantizers:` in params.yaml")
    add_partition_arguments(parser)


def main(options: Namespace) -> dict[str, float]:
    """Encode the targets of one quantizer."""
    name = options.quantizer
    quantizer = read_entry(PARAMS, "quantizers", name, QuantizerParams)
    return run(
        *(RESIZED, bins_of(name), SHARDS / name, quantizer.space, quantizer.encode),
        name=name,
        partition=options.partition,
        gather=options.gather,
    )


def run(
    resized: Path,
    bins: Path,
    out: Path,
    space: str,
    params: Encoding,
    *,
    name: str,
    partition: int | None = None,
    gather: bool = False,
) -> dict[str, float]:
    """Write one shard of targets for each shard of photos, of the training and validation split.

    Columns: `lightness` uint8 (S, S); `box` int16 (4,); of bins, `index` uint8 or uint16 (s, s, K),
    and for soft encoding `weight` float16 (s, s, K), which sum to 1 but for their rounding; of
    chroma, `chroma` int16 (2, s, s), in units of `chroma_scale` / 32767. `meta` of the index says
    how they were made, and holds the `mass` of each bin (of the nearest one for chroma) over the
    training split in units of 2^-24 pixels, of the weights before that rounding.

    Raises:
        ParamsError: a stride that does not divide the photos, or more neighbors than bins.
        HuescapeError: a file is missing or damaged.
    """
    grid = ("borders", "cells") if isinstance(params, CellEncoding) else ()
    arrays = read_arrays(bins, "centers", *grid, stage=f"bins@{name}")
    centers = arrays["centers"]
    photos = read_index(resized)
    size = whole_number(photos.meta, "size", resized, "photos")
    if size % params.stride:
        raise ParamsError(
            f"quantizers.{name}.encode.stride is {params.stride}; allowed: a divisor of "
            f"resize.size = {size}"
        )
    count = len(photos.shards)
    keys = Keys(count, lambda number: _key(resized, bins, number, space, params))
    encoder = Encoder(resized, arrays, space, params)
    if encoder.neighbors > len(centers):
        raise ParamsError(
            f"quantizers.{name}.encode.neighbors is {encoder.neighbors}; allowed: at most the "
            f"{len(centers)} bins that exist"
        )
    total = photos.count - photos.splits.get("test", 0)
    meta: dict[str, Any] = {
        "quantizer": name,
        "space": space,
        "encode": params.model_dump(mode="json"),
    }
    meta |= {"bins": len(centers), "size": size, "stride": params.stride}
    run_partitions(
        out,
        keys,
        lambda number: partial(encoder, number, keys[number]),
        stage="encode",
        partition=partition,
        gather=lambda folder: _gather(folder, encoder.columns(size), count, meta),
        only_gather=gather,
        total=total,
        desc=f"encode {name}",
    )
    return {"photos": total, "bins": len(centers)}


@dataclass(frozen=True)
class Encoder:
    """Encodes one shard of photos; called with its number and key, in any process.

    `bins` are the arrays of the stage bins: `centers`, for cells `borders` and `cells` too.
    """

    resized: Path
    bins: dict[str, Array]
    space: str
    params: Encoding

    @property
    def centers(self) -> Array:
        """The bins' chroma, (Q, 2)."""
        return self.bins["centers"]

    @property
    def neighbors(self) -> int:
        """K, the bins of one pixel."""
        return self.params.neighbors if isinstance(self.params, SoftEncoding) else 1

    def columns(self, size: int) -> list[Column]:
        """The columns of the targets of photos of `size` pixels."""
        side = size // self.params.stride
        dtype = "uint8" if len(self.centers) <= 256 else "uint16"
        if isinstance(self.params, ChromaTargets):
            target = Column("chroma", "int16", (2, side, side))
        else:
            target = Column("index", dtype, (side, side, self.neighbors))
        columns = [Column("lightness", "uint8", (size, size)), target, Column("box", "int16", (4,))]
        if isinstance(self.params, SoftEncoding):
            columns.append(Column("weight", "float16", (side, side, self.neighbors)))
        return columns

    def __call__(self, number: int, key: str, folder: Path) -> None:
        """Write shard `number` into `folder`."""
        photos = ShardSet.open(self.resized, "photos", only=number)
        rows = np.flatnonzero(photos.splits != "test").tolist()
        mass = BinMass(len(self.centers))
        write_shard(
            folder,
            shard_name(number),
            self.columns(photos.number("size")),
            self._rows(photos, rows, mass),
            lambda: {"inputs": key, "mass": mass.units.tolist()},
            count=len(rows),
        )

    def _rows(
        self, photos: ShardSet, rows: list[int], mass: BinMass
    ) -> Iterator[tuple[str, str, dict[str, Array]]]:
        for row in rows:
            working_on(photos.ids[row])
            rgb_SS3, box = photos.take("rgb", [row])[0], photos.take("box", [row])[0]
            arrays, index, weight = self.encode(rgb_SS3)
            if photos.splits[row] == "train":
                place = np.arange(
                    self.params.stride // 2, photos.number("size"), self.params.stride
                )
                inside = Box.of(box).holds(place, place)
                mass.add(index[inside], None if weight is None else weight[inside])
            advance()
            yield photos.ids[row], str(photos.splits[row]), {**arrays, "box": box}

    def encode(
        self, rgb_SS3: npt.NDArray[np.uint8]
    ) -> tuple[dict[str, Array], Array, Array | None]:
        """One photo's columns but for its box; its bins and their float32 weights, for the mass.

        Weights are None where each pixel has one bin.
        """
        space = named_space(self.space)
        color_SS3 = space.from_rgb(rgb_SS3)
        lightness = {"lightness": space.lightness_to_uint8(color_SS3[..., 0])}
        first = self.params.stride // 2  # the middle of each stride x stride block
        ab_ss2 = color_SS3[first :: self.params.stride, first :: self.params.stride, 1:]
        if isinstance(self.params, SoftEncoding):
            index, weight = soft_encode(
                ab_ss2, self.centers, self.params.neighbors, self.params.sigma
            )
            stored = {"index": self._small(index), "weight": weight.astype(np.float16)}
            return {**lightness, **stored}, index, weight
        if isinstance(self.params, CellEncoding):
            index = cell_bin(ab_ss2, **self.bins)[..., None].astype(np.uint16)
        else:
            index = nearest_bin(ab_ss2, self.centers)[..., None].astype(np.uint16)
        if isinstance(self.params, ChromaTargets):
            chroma_2ss = np.moveaxis(ab_ss2, -1, 0) / np.float32(space.chroma_scale)
            levels = np.rint(chroma_2ss * CHROMA_LEVELS).astype(np.int16)
            return {**lightness, "chroma": levels}, index, None
        return {**lightness, "index": self._small(index)}, index, None

    def _small(self, index: Array) -> Array:
        return index.astype(np.uint8 if len(self.centers) <= 256 else np.uint16)


def _gather(folder: Path, columns: list[Column], count: int, meta: dict[str, Any]) -> None:
    names = [shard_name(number) for number in range(count)]
    mass = np.zeros(meta["bins"], np.int64)
    stage = maker(folder, "targets")
    for name in names:
        path = folder / sidecar_file(name)
        of_shard = masses(read_sidecar(folder, name, remedy(stage)).extra, path, stage)
        if of_shard.shape != mass.shape:
            raise HuescapeError(f"{path}: has {len(of_shard)} bins, the others {len(mass)}")
        mass += of_shard
    write_index(folder, "targets", columns, names, {**meta, "mass": mass.tolist()})


def _key(resized: Path, bins: Path, number: int, space: str, params: Encoding) -> str:
    """Digest of everything that one shard of targets is made from."""
    sidecar = read_sidecar(resized, shard_name(number), remedy(maker(resized, "photos")))
    parts = [sidecar.model_dump(mode="json"), space, params.model_dump(mode="json")]
    parts.append(hashlib.sha256(bins.read_bytes()).hexdigest())
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
