"""The stage `neighbors` from files to files, with real weights."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.params.perception import NeighborsParams
from huescape.perception.nearest import BY
from huescape.stages import neighbors
from tests.perception.made import paint, write_project
from tests.reporting.project import Page

SPLITS = ("train", "test", "train", "test", "train", "val")
#: Photo 3 has the pixels of photo 2, which trains, and a hash three bits from photo 4's.
HASHES = (0b0, 0xFFFF0000, 0xF0F00F0F, 0b111000000000000, 0b000000000000000111 << 40, 1)
PICTURES = {3: paint(2)}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))


def call(project: Path, split: str = "test", **params: int) -> dict[str, float]:
    paths = project / "resized", project / "catalog", project / "out"
    return neighbors.run(split, *paths, NeighborsParams(**params))


def test_a_copy_is_found(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", SPLITS, HASHES, pictures=PICTURES)
    said = call(project, max_distance=4, pairs=3)
    assert said == {"photos": 2, "within_max_distance": 1}
    with (project / "out/neighbors.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["id"], row["by"]) for row in rows] == [
        (photo, by) for photo in ("made/1", "made/3") for by in BY
    ]
    by = {row["by"]: row for row in rows if row["id"] == "made/3"}
    assert by["hash"]["train"] == "made/0"
    assert by["hash"]["hamming"] == "3"
    # The one is cut four rows more narrowly than the other: alike, and not the same.
    assert by["color"]["train"] == by["gray"]["train"] == "made/2"
    assert float(by["color"]["cosine_color"]) > 0.9
    summary = json.loads((project / "out/summary.json").read_text())
    assert summary["within_max_distance"] == 1
    assert summary["training_photos"] == summary["training_among_themselves"]["photos"] == 3
    assert summary["nearest"]["hamming"]["min"] == 3
    assert summary["nearest"]["cosine_color"]["max"] == pytest.approx(
        max(float(row["cosine_color"]) for row in rows if row["by"] == "color")
    )
    with Image.open(project / "out/pairs.png") as sheet:
        assert sheet.width > 300
    assert "index.html" in (project / "out/SHA256SUMS").read_text()
    page = Page((project / "out/index.html").read_text())
    assert "1 of 2 photos have a training photo" in page.text
    (uri,) = page.values("src")
    stored = (project / "out/pairs.png").read_bytes()
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,")) == stored


def test_another_split_and_no_pictures(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", SPLITS, HASHES)
    assert call(project, "val", pairs=0)["photos"] == 1
    assert sorted(path.name for path in (project / "out").iterdir()) == [
        *("SHA256SUMS", "index.html", "neighbors.csv", "summary.json"),
    ]


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    for splits, why in (
        (("train", "train"), "0 photos of the split test"),
        (("test", "train"), "1 photos of the split train"),
    ):
        project = write_project(tmp_path / why.replace(" ", "_"), splits)
        with pytest.raises(HuescapeError, match=why):
            call(project)
        assert not (project / "out").exists()


def test_equal_photos_are_as_near_as_can_be(tmp_path: Path) -> None:
    same = {n: np.full((32, 32, 3), 90, np.uint8) for n in (1, 2)}
    project = write_project(tmp_path / "p", SPLITS, (0, 5, 5, 9, 9, 1), pictures=same)
    call(project)
    with (project / "out/neighbors.csv").open() as stream:
        near = [row for row in csv.DictReader(stream) if row["id"] == "made/1"]
    assert {row["train"] for row in near} == {"made/2"}
    assert near[0]["hamming"] == "0"
    assert float(near[1]["cosine_color"]) == pytest.approx(1, abs=1e-4)
