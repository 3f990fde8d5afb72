"""The stage `evaluate` from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from huescape.errors import HuescapeError
from huescape.metrics.baselines import BASELINES
from huescape.params.reports import EvaluateParams
from huescape.stages.evaluate import run

PARAMS = EvaluateParams(macro_pixels=10, macro_photos=2, pictures=3)
FILES = ["curves.csv", "curves.png", "grid.png", "photos.csv"]


def call(inputs: Any, out: Path, space: str = "yuv", params: EvaluateParams = PARAMS) -> Any:
    model = inputs.models / space
    files = inputs.resized, inputs.bins, inputs.prior
    return run(model, *files, out / f"{space}.json", out / space, params)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.mark.parametrize("space", ["lab", "yuv"])
def test_writes_everything(inputs: Any, tmp_path: Path, space: str) -> None:
    returned = call(inputs, tmp_path, space)
    record = json.loads((tmp_path / f"{space}.json").read_text())
    assert sorted(p.name for p in (tmp_path / space).iterdir()) == FILES
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([space, f"{space}.json"])
    assert returned["auc"] == record["auc"]
    assert all(isinstance(value, int | float) for value in returned.values())
    assert record["baselines"]["ground_truth"]["auc"] == 1
    assert record["photos"] == 5


def test_tables(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path)
    record = json.loads((tmp_path / "yuv.json").read_text())
    with (tmp_path / "yuv/photos.csv").open() as file:
        photos = list(csv.DictReader(file))
    assert [row["id"] for row in photos] == ["made/1", "made/3", "made/5", "made/7", "made/8"]
    assert sum(int(row["pixels"]) for row in photos) == record["pixels"]
    mean = np.mean([float(row["auc"]) for row in photos])
    assert mean == pytest.approx(record["auc_photo_mean"], abs=2e-6)
    # Photos 3 and 7 are 8 pixels high, less than SSIM's window.
    assert [bool(row["ssim"]) for row in photos] == [True, False, True, False, True]
    with (tmp_path / "yuv/curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert list(curves[0]) == ["threshold", "system", *BASELINES]
    assert [int(row["threshold"]) for row in curves] == list(range(151))
    for name in ("system", "grey"):
        shares = np.array([float(row[name]) for row in curves])
        scores = record if name == "system" else record["baselines"][name]
        assert np.trapezoid(shares) / 150 == pytest.approx(scores["auc"], abs=2e-6)


def test_the_same_bytes_with_any_number_of_workers(
    inputs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workers in ("1", "3", "3"):
        monkeypatch.setenv("HUESCAPE_WORKERS", workers)
        call(inputs, tmp_path / workers)
    first, second = contents(tmp_path / "1"), contents(tmp_path / "3")
    assert sorted(first) == sorted([*(f"yuv/{name}" for name in FILES), "yuv.json"])
    assert first == second


def test_a_new_temperature_moves_the_headline_only(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path / "a")
    call(inputs, tmp_path / "b", params=PARAMS.model_copy(update={"temperature": 0.05}))
    first, second = (json.loads((tmp_path / x / "yuv.json").read_text()) for x in "ab")
    assert first["temperatures"] == second["temperatures"]
    assert first["baselines"] == second["baselines"]
    assert first["auc"] != second["auc"]
    widths = [Image.open(tmp_path / x / "yuv/grid.png").width for x in "ab"]
    assert widths[1] > widths[0]  # a column for the headline


def test_no_pictures_no_grid(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path, params=PARAMS.model_copy(update={"pictures": 0}))
    assert sorted(p.name for p in (tmp_path / "yuv").iterdir()) == [
        f for f in FILES if f != "grid.png"
    ]


def test_old_results_go(inputs: Any, tmp_path: Path) -> None:
    (tmp_path / "yuv").mkdir()
    (tmp_path / "yuv/old.png").write_bytes(b"old")
    call(inputs, tmp_path)
    assert not (tmp_path / "yuv/old.png").exists()


def test_bad_inputs_leave_nothing_behind(inputs: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(HuescapeError, match=r"nowhere.*system\.json: no such file"):
        call(inputs, out, space="nowhere")
    damaged = tmp_path / "resized"
    damaged.mkdir()
    for name, content in contents(inputs.resized).items():
        (damaged / name).write_bytes(content)
    pixels = bytearray((damaged / "00001.rgb.npy").read_bytes())
    pixels[-1] ^= 1
    (damaged / "00001.rgb.npy").write_bytes(bytes(pixels))
    with pytest.raises(HuescapeError, match=r"00001\.rgb\.npy: corrupt"):
        run(inputs.models / "yuv", damaged, inputs.bins, inputs.prior, out / "a.json", out, PARAMS)
    assert not out.exists()
