"""JPEG files like those of a camera, and the catalog that lists them, for benchmarks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import CATALOG, write_catalog

QUALITY, GRAIN = 88, 6.0
_DIFFERENT = 8  # so many pictures are rendered; more files differ by a comment alone


def write_photos(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """`count` files of `size` (width, height), every one with bytes of its own.

    Rendered landscapes, enlarged, with the grain that makes a file as large as a photo's.
    """
    folder.mkdir(parents=True)
    encoded = [_encode(_picture(number, size)) for number in range(min(count, _DIFFERENT))]
    paths = [folder / f"{number:06d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        data, comment = encoded[number % len(encoded)], f"{number:08d}".encode()
        path.write_bytes(
            data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + data[2:]
        )
    return paths


def catalog_of(paths: Sequence[Path], folder: Path) -> Path:
    """Write the catalog that keeps all `paths` into `folder`, and return the folder."""
    write_catalog(folder / CATALOG, [_row(path) for path in paths])
    return folder


def _picture(number: int, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng([3, number])
    category = CATEGORIES[number % len(CATEGORIES)]
    scene = Image.fromarray(render_scene(category, rng, 384, 256))
    smooth = np.asarray(scene.resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = rng.normal(0, GRAIN, smooth.shape).astype(np.float32)
    return np.clip(np.rint(smooth + grain), 0, 255).astype(np.uint8)


def _encode(rgb_HW3: npt.NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb_HW3).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _row(path: Path) -> CatalogRow:
    data = path.read_bytes()
    return CatalogRow(
        id=f"made/{path.stem}", path=str(path), offset=None, bytes=len(data), source="made",
        category="", tier="core", sha256=hashlib.sha256(data).hexdigest(), width=0, height=0,
        chroma=9.0, phash="0" * 16, split="train", kept=True, reason="",
    )  # fmt: skip
