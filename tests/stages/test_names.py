"""Photos with any name that a file system allows, from the folder to the shards."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.params.download import DownloadParams
from huescape.params.photos import FilterParams, ResizeParams
from huescape.photos.catalog_file import read_catalog
from huescape.shards import ShardSet
from huescape.sources.manifest import read_manifest
from huescape.stages import download, filter, resize

NAMES = [
    "a\rb.jpg", "a\nb.jpg", "a\r\nb.jpg", "a\tb.jpg", 'a"b.jpg', "a'b.jpg", "a,b.jpg", "a;b.jpg",
    " a.jpg", "a .jpg", "a\u2028b.jpg", "a\x85b.jpg", "a\x1cb.jpg", "a\x0bb.jpg", "\\0.jpg",
    "caf\u00e9.jpg", "cafe\u0301.jpg", "\u202eabc.jpg", "<b>&amp;.jpg", "$(touch x).jpg", "`x`.jpg",
    "-rf.jpg", "~.jpg", "%s%n.jpg", "{x}.jpg", "=1+1.jpg", "#.jpg", "a..jpg", "a../\r\n/b.jpg",
    "\U0001f3de.jpg", "x" * 251 + ".jpg", "\x01\x7f.jpg", "nan.jpg", "null.jpg", "1e5.jpg",
]  # fmt: skip


def jpeg(seed: int) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((80, 60), Image.Resampling.BICUBIC).save(stream, "JPEG")
    return stream.getvalue()


def test_every_name_reaches_the_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUESCAPE_WORKERS", "1")
    photos = tmp_path / "photos"
    for seed, name in enumerate(NAMES):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(jpeg(seed))
    (photos / os.fsdecode(b"\xff.jpg")).write_bytes(jpeg(99))
    lists = tmp_path / "lists.tsv"
    lists.write_text("path\tsplit\n a.jpg\ttest\ncaf\u00e9.jpg\tval\n", encoding="utf-8")
    source = {"kind": "folder", "name": "mine", "root": str(photos), "splits": str(lists)}
    download.run(Path("raw"), DownloadParams(sources=[source]))  # type: ignore[list-item]
    assert "mine: not read: 1 photos whose names are not UTF-8" in capsys.readouterr().err
    (described,) = json.loads(Path("raw/sources.json").read_text())
    assert described["not_read"] == {"photos whose names are not UTF-8": 1}
    listed = read_manifest(Path("raw/manifest.csv"))
    assert {Path(row.path).relative_to("photos").as_posix() for row in listed} == {*NAMES}
    assert {row.path: row.split for row in listed if row.split} == {
        "photos/ a.jpg": "test",
        "photos/caf\u00e9.jpg": "val",
    }
    assert not download.check_unchanged(Path("raw/manifest.csv"))
    filter.run(Path("raw"), Path("catalog"), FilterParams(min_side=8, max_distance=0))
    kept = [row for row in read_catalog(Path("catalog/catalog.parquet")) if row.kept]
    assert {row.id for row in kept} == {row.id for row in listed}
    resize.run(Path("catalog"), Path("resized"), ResizeParams(size=16, shards=2))
    shards = ShardSet.open(Path("resized"), "photos")
    assert sorted(shards.ids) == sorted(row.id for row in kept)
