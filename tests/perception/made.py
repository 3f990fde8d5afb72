"""Small projects for the stages: shards of photos, their catalog, and systems, as real files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import write_catalog
from huescape.shards import Column, write_index, write_shard

SIZE = 32


def paint(seed: int) -> np.ndarray:
    """A photo of colored waves, uint8 (SIZE, SIZE, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    waves = np.sin(x / rng.uniform(2, 8) + y / rng.uniform(2, 8))
    color, low = rng.uniform(20, 110, 3), rng.uniform(0, 100, 3)
    return (low + color * (1 + waves[..., None]) / 2).astype(np.uint8)


def catalog_row(photo: str, split: str, phash: int = 0, category: str = "m/mountain") -> CatalogRow:
    sha256 = hashlib.sha256(photo.encode()).hexdigest()
    known = (photo, f"{photo}.jpg", None, 9, "made", category, "core", sha256, SIZE, SIZE, 9.0)
    return CatalogRow(*known, f"{phash:016x}", split, True, "")


def write_project(
    folder: Path,
    splits: Sequence[str],
    hashes: Sequence[int] = (),
    categories: Mapping[int, str] | None = None,
    pictures: Mapping[int, np.ndarray] | None = None,
) -> Path:
    """`resized` and `catalog` of photos `made/0`, …, of these splits, in `folder`."""
    columns = [Column("rgb", "uint8", (SIZE, SIZE, 3)), Column("box", "int16", (4,))]
    rows: list[Any] = []
    known = []
    for number, split in enumerate(splits):
        photo = f"made/{number}"
        rgb = (pictures or {}).get(number, paint(number))
        box = np.array((0, 0, SIZE, SIZE) if number % 2 else (4, 0, 24, SIZE), np.int16)
        rows.append((photo, split, {"rgb": rgb, "box": box}))
        phash = hashes[number] if hashes else number
        category = (categories or {}).get(number, "m/mountain")
        known.append(catalog_row(photo, split, phash, category))
    resized, catalog = folder / "resized", folder / "catalog"
    resized.mkdir(parents=True)
    catalog.mkdir()
    write_shard(resized, "00000", columns, rows)
    write_index(resized, "photos", columns, ["00000"], {"size": SIZE})
    write_catalog(catalog / "catalog.parquet", sorted(known, key=lambda row: row.id))
    return folder
