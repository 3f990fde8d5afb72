"""Small projects for probes: shards of photos whose categories are known, and their catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import write_catalog
from huescape.shards import Column, write_index, write_shard

SIZE = 32
Paint = Callable[[int, str], np.ndarray]


def stripes(number: int, category: str) -> np.ndarray:
    """Gray stripes (SIZE, SIZE, 3): `tall` stand, all others lie, at a place of their own."""
    rng = np.random.default_rng(number)
    wave = np.sin(np.arange(SIZE) * 2 * np.pi / 4 + rng.uniform(0, 2 * np.pi))
    level = 120 + 60 * wave + rng.normal(0, 6, (SIZE, SIZE))
    plane = level if category.endswith("tall") else level.T
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def write_project(folder: Path, photos: Sequence[tuple[str, str]], paint: Paint = stripes) -> Path:
    """`resized` and `catalog` of photos `made/0`, …: (split, category) of each."""
    columns = [Column("rgb", "uint8", (SIZE, SIZE, 3)), Column("box", "int16", (4,))]
    rows: list[Any] = []
    known = []
    for number, (split, category) in enumerate(photos):
        box = np.array((0, 0, SIZE, SIZE) if number % 3 else (4, 0, 24, SIZE), np.int16)
        photo = f"made/{number}"
        rows.append((photo, split, {"rgb": paint(number, category), "box": box}))
        sha256 = hashlib.sha256(photo.encode()).hexdigest()
        facts = (photo, f"{photo}.jpg", None, 9, "made", category, "core", sha256, SIZE, SIZE, 9.0)
        known.append(CatalogRow(*facts, f"{number:016x}", split, True, ""))
    (folder / "catalog").mkdir(parents=True)
    (folder / "resized").mkdir()
    write_shard(folder / "resized", "00000", columns, rows)
    write_index(folder / "resized", "photos", columns, ["00000"], {"size": SIZE})
    write_catalog(folder / "catalog/catalog.parquet", sorted(known, key=lambda row: row.id))
    return folder


def balanced(train: int, val: int, test: int, categories: Sequence[str]) -> list[tuple[str, str]]:
    """So many photos of each split, of each category."""
    counts = {"train": train, "val": val, "test": test}
    return [(split, c) for split, n in counts.items() for _ in range(n) for c in categories]
