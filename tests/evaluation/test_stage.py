"""The stage `evaluate` from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from huescape.base.arrays import read_arrays
from huescape.base.errors import HuescapeError
from huescape.coloring.painting import colorize
from huescape.metrics import bootstrap
from huescape.metrics.distribution_sums import ARRAYS as DISTRIBUTION_ARRAYS
from huescape.metrics.distribution_sums import DistributionSums
from huescape.metrics.names import BASELINES
from huescape.metrics.photo_sums import ARRAYS, PhotoSums
from huescape.metrics.scores import HEADLINE, METRICS
from huescape.networks.cost import cost_of
from huescape.params.decodings import Decoding
from huescape.params.reports import EvaluateParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.stages.evaluate import run
from huescape.systems.system import load_system

PARAMS = EvaluateParams(macro_pixels=10, macro_photos=2, pictures=3)
FILES = [
    *("SHA256SUMS", "best.png", "bins.csv", "confidence.png", "curves.csv", "curves.png"),
    *("distribution.png", "distribution_sums.npz", "grid.png", "hue.png", "hue_sums.npz"),
    *("photo_sums.npz", "photos.csv", "pictures.npz", "scores.csv", "scores.json"),
    *("temperatures.npz", "worst.png"),
]


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
    record = json.loads((tmp_path / space / "scores.json").read_text())
    assert sorted(p.name for p in (tmp_path / space).iterdir()) == FILES
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([space, f"{space}.json"])
    headline = json.loads((tmp_path / f"{space}.json").read_text())
    assert sorted(headline) == sorted(HEADLINE)
    assert headline == {key: record[key] for key in HEADLINE}
    with (tmp_path / space / "scores.csv").open() as file:
        rows = {row["prediction"]: row for row in csv.DictReader(file)}
    assert float(rows["ground_truth"]["auc"]) == 1
    assert set(record["decodes"]) < set(rows)
    assert returned["auc"] == record["auc"]
    assert all(isinstance(value, int | float) for value in returned.values())
    assert record["baselines"]["ground_truth"]["auc"] == 1
    assert record["photos"] == 5


def test_what_each_photo_adds_gives_every_score_again(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path, "lab")
    record = json.loads((tmp_path / "lab/scores.json").read_text())
    photos = PhotoSums(**read_arrays(tmp_path / "lab/photo_sums.npz", *ARRAYS))
    predictions = record["decodes"] | record["baselines"]
    assert sorted(photos.names_P.tolist()) == sorted(predictions)
    for name, scores in predictions.items():
        once_RN = np.ones((1, 5))
        sums = photos.sums(name, once_RN, photos.pixel_sums(once_RN))
        found = {metric.key: metric.of_sums(sums) for metric in METRICS}
        for key, value in found.items():
            assert value is not None
            if scores[key] is None:  # as the PSNR of the truth, which has no error
                assert np.isnan(value[0])
            else:
                assert value[0] == pytest.approx(scores[key], abs=2e-6), (name, key)
        each = {k: v for k, v in photos.each(name).items() if np.isfinite(v).any()}
        for key, values_N in each.items():
            assert np.nanmean(values_N) == pytest.approx(scores[key], abs=2e-6), (name, key)
    path = tmp_path / "lab/distribution_sums.npz"
    sums_of_bits = DistributionSums(**read_arrays(path, *DISTRIBUTION_ARRAYS))
    bits = {key: values_R[0] for key, values_R in sums_of_bits.scores(np.ones((1, 5))).items()}
    for key in ("bits_per_pixel", "calibration_error"):
        assert bits[key] == pytest.approx(record[key], abs=1e-6)
    resampled = bootstrap.resampled([(photos, "annealed T=0.38")])[0]["auc"]
    low, high = bootstrap.interval(resampled)
    assert low < record["auc"] < high


@pytest.mark.parametrize("name", ["regression", "regression_yuv"])
def test_a_regression_has_one_score_by_every_decoding(
    inputs: Any, tmp_path: Path, name: str
) -> None:
    call(inputs, tmp_path, name)
    record = json.loads((tmp_path / name / "scores.json").read_text())
    assert record["head"] == "chroma"
    scores = list(record["decodes"].values())
    assert len(scores) == 4
    assert all(one == scores[0] for one in scores)
    assert scores[0]["auc"] == record["auc"] != record["baselines"]["gray"]["auc"]


@pytest.mark.parametrize("name", ["regression", "yuv"])
def test_the_colored_examples_are_kept(inputs: Any, tmp_path: Path, name: str) -> None:
    """What is drawn side by side is what `colorize` gives, of the photo without its padding."""
    call(inputs, tmp_path, name)
    stored = np.load(tmp_path / name / "pictures.npz")
    count = PARAMS.pictures
    expected = {f"{kind}_{k}" for kind in ("truth", "rgb") for k in range(count)} | {"ids"}
    assert set(stored) == expected
    photos, system = ShardSet.open(inputs.resized), load_system(inputs.models / name)
    assert len(set(stored["ids"].tolist())) == count
    for k, photo in enumerate(stored["ids"].tolist()):
        row = photos.ids.index(photo)
        assert photos.splits[row] == "test"
        top, left, height, width = photos.take("box", [row])[0]
        rgb = photos.take("rgb", [row])[0]
        inside = slice(top, top + height), slice(left, left + width)
        np.testing.assert_array_equal(stored[f"truth_{k}"], rgb[inside])
        # A photo of the size that the network sees is not resized: the colors are the same.
        colored = colorize(system, rgb, PARAMS.decode, 32, edges=False)[inside]
        difference = np.abs(stored[f"rgb_{k}"].astype(int) - colored)
        assert difference.max() <= 1
        assert not np.array_equal(stored[f"rgb_{k}"], stored[f"truth_{k}"])


def test_the_costs_are_counted_not_timed(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path, "regression")
    record = json.loads((tmp_path / "regression/scores.json").read_text())
    system = load_system(inputs.models / "regression")
    cost = record["cost"]
    assert cost == cost_of(system.network, 32)
    assert cost["input"] == "32x32"
    assert cost["parameters"] == sum(p.numel() for p in system.network.parameters())
    assert 0 < cost["macs_per_photo_inference"] < cost["macs_per_photo_training"]
    call(inputs, tmp_path, "lab")
    assert json.loads((tmp_path / "lab/scores.json").read_text())["head"] == "bins"


def test_photos_that_do_not_suit_the_network_are_padded(inputs: Any, tmp_path: Path) -> None:
    """A network of five levels sees 40 pixels as 64; crops let it be trained on such photos."""
    columns = [Column("rgb", "uint8", (40, 40, 3)), Column("box", "int16", (4,))]
    rng = np.random.default_rng(0)
    box = np.array([0, 0, 40, 40], np.int16)
    rows = [
        (f"p{k}", split, {"rgb": rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), "box": box})
        for k, split in enumerate(("train", "test"))
    ]
    write_shard(tmp_path / "resized", "00000", columns, rows)
    write_index(tmp_path / "resized", "photos", columns, ["00000"], {"size": 40})
    files = inputs.bins, inputs.prior, tmp_path / "deep.json", tmp_path / "deep"
    run(inputs.models / "deep", tmp_path / "resized", *files, PARAMS)
    record = json.loads((tmp_path / "deep/scores.json").read_text())
    assert record["cost"]["input"] == "64x64"
    assert record["photos"] == 1


def test_tables(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path)
    record = json.loads((tmp_path / "yuv/scores.json").read_text())
    with (tmp_path / "yuv/photos.csv").open() as file:
        rows = list(csv.DictReader(file))
    by_prediction = {name: [row for row in rows if row["prediction"] == name] for name in BASELINES}
    photos = [row for row in rows if row["prediction"] == record["decode"]]
    assert len(rows) == len(photos) * (1 + len(BASELINES))
    for name, own in by_prediction.items():
        assert [row["id"] for row in own] == [row["id"] for row in photos]
        mean = np.mean([float(row["auc"]) for row in own])
        assert mean == pytest.approx(record["baselines"][name]["auc_photo_mean"], abs=2e-6)
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
    for name in ("system", "gray"):
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


def test_a_new_decoding_moves_the_headline_only(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path / "a")
    call(
        inputs,
        tmp_path / "b",
        params=PARAMS.model_copy(update={"decode": Decoding(temperature=0.05)}),
    )
    first, second = (json.loads((tmp_path / x / "yuv/scores.json").read_text()) for x in "ab")
    assert second["decodes"].pop("annealed T=0.05")["auc"] == second["auc"]
    assert first["decodes"] == second["decodes"]
    assert first["baselines"] == second["baselines"]
    assert first["auc"] != second["auc"]
    widths = [Image.open(tmp_path / x / "yuv/grid.png").width for x in "ab"]
    assert widths[1] > widths[0]  # a column for the headline


def test_a_few_photos_are_kept_at_several_temperatures(inputs: Any, tmp_path: Path) -> None:
    """That of the headline has the pixels of the picture itself; the colder, the more vivid."""
    call(inputs, tmp_path, params=PARAMS.model_copy(update={"pictures": 6}))
    whole = np.load(tmp_path / "yuv/pictures.npz")
    found = np.load(tmp_path / "yuv/temperatures.npz")
    assert found["ids"].tolist() == whole["ids"].tolist()[:4]
    at = found["temperatures"].tolist()
    assert at == sorted(at, reverse=True)
    vivid = np.zeros(len(at))
    for k in range(4):
        rgb_THW3 = found[f"rgb_{k}"]
        np.testing.assert_array_equal(rgb_THW3[at.index(0.38)], whole[f"rgb_{k}"])
        vivid += (rgb_THW3.max(-1).astype(int) - rgb_THW3.min(-1)).mean(axis=(1, 2))
    assert vivid[0] < vivid[-1]
    call(inputs, tmp_path, "regression")
    assert not (tmp_path / "regression/temperatures.npz").exists()


def test_no_pictures_no_grid(inputs: Any, tmp_path: Path) -> None:
    call(inputs, tmp_path, params=PARAMS.model_copy(update={"pictures": 0}))
    assert sorted(p.name for p in (tmp_path / "yuv").iterdir()) == [
        f
        for f in FILES
        if f not in ("confidence.png", "grid.png", "pictures.npz", "temperatures.npz")
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
    with pytest.raises(HuescapeError, match=r"00001\.rgb\.npy: damaged"):
        run(inputs.models / "yuv", damaged, inputs.bins, inputs.prior, out / "a.json", out, PARAMS)
    assert not out.exists()
