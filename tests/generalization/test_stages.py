"""The stages `gather` and `generalize` from files to files, and what params.yaml may say."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from huescape.base.arrays import read_arrays
from huescape.base.errors import HuescapeError, ParamsError
from huescape.cli import main
from huescape.color.bins import gamut_centers
from huescape.metrics import photo_sums
from huescape.metrics.bootstrap import draws, interval
from huescape.metrics.photo_sums import PhotoSums
from huescape.params.decodings import Decoding
from huescape.params.load import load_params
from huescape.params.photos import FilterParams, ResizeParams
from huescape.params.reports import EvaluateParams
from huescape.params.unseen import UnseenParams
from huescape.photos.catalog_file import read_catalog, write_catalog
from huescape.shards import ShardSet
from huescape.stages import evaluate, gather, generalize
from tests.evaluation.conftest import paint, write_photos, write_system
from tests.probing.made import write_project
from tests.reporting.project import Page

ROOT = Path(__file__).parents[2]
FILTER = FilterParams(min_side=16, min_chroma=0)
RESIZE = ResizeParams(size=32, shards=2)


def save(folder: Path, names: dict[str, int]) -> Path:
    for name, seed in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(paint(seed)).save(folder / name)
    return folder


def unseen(root: Path, **more: Any) -> UnseenParams:
    return UnseenParams.model_validate({"source": {"kind": "folder", "root": str(root), **more}})


def test_every_photo_is_tested_whatever_its_source_says(tmp_path: Path) -> None:
    root = save(tmp_path / "photos", {f"x/{k}.png": k for k in range(5)})
    (tmp_path / "list.csv").write_text("path,split\nx/0.png,train\nx/1.png,val\n")
    project = write_project(tmp_path / "p", [("train", "c")])
    params = unseen(root, splits=str(tmp_path / "list.csv"))
    out = tmp_path / "unseen"
    said = gather.run(out, project / "catalog", params, FILTER, RESIZE)
    assert said == {"photos": 5, "kept": 5}
    photos = ShardSet.open(out / "resized", "photos")
    assert len(photos.rows("test")) == 5
    assert {row.split for row in read_catalog(out / "catalog/catalog.parquet")} == {"test"}
    before = (out / "catalog/catalog.parquet").read_bytes()
    gather.run(out, project / "catalog", params, FILTER, RESIZE)
    assert (out / "catalog/catalog.parquet").read_bytes() == before


def test_a_photo_that_the_project_trains_on_is_left_out(tmp_path: Path) -> None:
    root = save(tmp_path / "photos", {f"{k}.png": k for k in range(4)})
    empty = write_project(tmp_path / "p", [("train", "c")])
    gather.run(tmp_path / "first", empty / "catalog", unseen(root), FILTER, RESIZE)
    gather.run(tmp_path / "own", empty / "catalog", unseen(root), FILTER, RESIZE)
    catalog = tmp_path / "own/catalog"
    rows = read_catalog(catalog / "catalog.parquet")
    learned = [replace(row, split="train" if row.id == rows[2].id else "test") for row in rows]
    write_catalog(catalog / "catalog.parquet", learned)
    said = gather.run(tmp_path / "again", catalog, unseen(root), FILTER, RESIZE)
    assert said == {"photos": 4, "kept": 3}
    dropped = [r for r in read_catalog(tmp_path / "again/catalog/catalog.parquet") if not r.kept]
    assert [(r.id, r.reason) for r in dropped] == [(rows[2].id, "duplicate")]


PARAMS = EvaluateParams(
    decode=Decoding(temperature=0.38),
    decodes=(Decoding(temperature=0.38),),
    macro_pixels=1,
    macro_photos=1,
    pictures=1,
    extremes=1,
)


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A system, trained shards and those of a source, of which all are tested."""
    write_photos(tmp_path / "resized")
    root = save(tmp_path / "photos", {f"{k}.png": 100 + k for k in range(6)})
    project = write_project(tmp_path / "p", [("train", "c")])
    gather.run(tmp_path / "unseen", project / "catalog", unseen(root), FILTER, RESIZE)
    write_system(tmp_path / "models/mine", "lab")
    centers, flat = gamut_centers(), np.full(313, 1 / 313)
    np.savez(tmp_path / "bins.npz", centers=centers)
    np.savez(tmp_path / "prior.npz", empirical=flat, smoothed=flat)
    call(tmp_path)
    return tmp_path


def call(folder: Path) -> None:
    model, shards = folder / "models/mine", folder / "unseen/resized"
    paths = model, shards, folder / "bins.npz", folder / "prior.npz", folder / "resized"
    generalize.run(*paths, folder / "out/mine.json", folder / "out/mine", PARAMS)


def test_scores_are_those_of_evaluate_and_donors_those_of_the_project(scored: Path) -> None:
    record = json.loads((scored / "out/mine/scores.json").read_text())
    kept = len(ShardSet.open(scored / "unseen/resized", "photos").rows("test"))
    assert record["photos"] == kept > 3
    # Alone, the source has no training photos to take colors from.
    with pytest.raises(HuescapeError, match="no photo of the split train"):
        evaluate.run(
            *(scored / "models/mine", scored / "unseen/resized"),
            *(scored / "bins.npz", scored / "prior.npz"),
            *(scored / "alone.json", scored / "alone"),
            PARAMS,
        )
    assert record["baselines"]["gray"]["auc"] != record["baselines"]["random_photo"]["auc"]


def test_intervals_are_those_of_photos_drawn_one_by_one(scored: Path) -> None:
    with (scored / "out/mine/intervals.csv").open() as stream:
        rows = {row["score"]: row for row in csv.DictReader(stream)}
    record = json.loads((scored / "out/mine/scores.json").read_text())
    headline = record["decode"]
    for key in ("auc", "psnr", "ssim"):
        assert float(rows[key]["system"]) == pytest.approx(record[key], abs=1e-5)
        assert float(rows[key]["gray"]) == pytest.approx(record["baselines"]["gray"][key], abs=1e-5)
    found = read_arrays(scored / "out/mine/photo_sums.npz", *photo_sums.ARRAYS, stage="x")
    photos = PhotoSums(**found)
    measure, names = photos.measures_M.tolist().index("ssim"), photos.names_P.tolist()
    values = {n: photos.measured_PMN[names.index(n), measure] for n in (headline, "gray")}
    count = len(photos.ids_N)
    times = np.concatenate(list(draws(count)))
    own_R, gray_R = (times @ values[name] / count for name in (headline, "gray"))
    for side, values_R in (("system", own_R), ("gray", gray_R), ("difference", own_R - gray_R)):
        ends = [float(rows["ssim"][f"{side}_{end}"]) for end in ("low", "high")]
        assert ends == pytest.approx(interval(values_R), abs=2e-6)


def test_equal_inputs_give_equal_bytes(scored: Path) -> None:
    def files() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted((scored / "out").rglob("*")) if p.is_file()}

    before = files()
    call(scored)
    assert files() == before
    assert "intervals.csv" in (scored / "out/mine/SHA256SUMS").read_text()
    assert "index.html" in (scored / "out/mine/SHA256SUMS").read_text()


def test_the_page_has_the_scores_and_the_figures(scored: Path) -> None:
    page = Page((scored / "out/mine/index.html").read_text())
    record = json.loads((scored / "out/mine/scores.json").read_text())
    assert f"{record['auc']:.3f} (" in page.text
    assert f"By decoding {record['decode']}." in page.text
    assert len(page.values("src")) == len([*(scored / "out/mine").glob("grid.png")]) + 1


def changed(folder: Path, changes: dict[str, Any]) -> Path:
    params = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
    params |= changes
    with (folder / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    return folder / "params.yaml"


BSDS = {"bsds": {"source": {"kind": "folder", "root": "data/external/x"}}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probed": {"landscape": {}}}, "probed.landscape: is not a system; allowed: colorunet"),
        (
            {"probed_released": {"colorunet": {}}},
            "probed_released.colorunet: is not a shipped model; allowed: landscape",
        ),
        ({"probed": {"colorunet": {"min_photos": 1}}}, "probed.colorunet.min_photos is 1"),
        (
            {"generalized": {"a": {"system": "nosuch", "unseen": "bsds"}}, "unseen": BSDS},
            "generalized.a.system: 'nosuch' is not a system; allowed: colorunet",
        ),
        (
            {"generalized_released": {"a": {"system": "colorunet", "unseen": "bsds"}}},
            "generalized_released.a.system: 'colorunet' is not a shipped model; allowed: landscape",
        ),
        (
            {"generalized": {"a": {"system": "colorunet", "unseen": "bsd"}}, "unseen": BSDS},
            "generalized.a.unseen: 'bsd' is not a source of unseen; allowed: bsds",
        ),
        ({"generalized": {"a": {"system": "colorunet"}}}, "generalized.a.unseen: is missing"),
        (
            {"unseen": {"x": {"source": {"kind": "folder", "root": "data/raw"}}}},
            "unseen.x.source.root is 'data/raw', which lies in or above",
        ),
        ({"unseen": {"x": {}}}, "unseen.x.source: is missing"),
    ],
)
def test_what_params_cannot_mean_is_one_line(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        load_params(changed(tmp_path, changes))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "nosuch"}, "unseen.x.source.kind is 'nosuch'"),
        ({"kind": "folder"}, "unseen.x.source.root: is missing"),
        ({"kind": "sample", "photos": 3}, "unseen.x.source.photos is 3"),
    ],
)
def test_check_names_the_key_of_a_source(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: dict[str, Any],
    words: str,
) -> None:
    changed(tmp_path, {"unseen": {"x": {"source": source}}})
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--stage"]) == 2
    assert words in capsys.readouterr().err


def test_what_is_not_asked_for_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(tmp_path, {"unseen": BSDS})
    monkeypatch.chdir(tmp_path)
    assert main(["generalize", "a"]) == 2
    assert "a is neither in generalized nor in generalized_released; allowed: none" in (
        capsys.readouterr().err
    )
    assert main(["gather", "nosuch"]) == 2
    assert "unseen.nosuch is not there; allowed: bsds" in capsys.readouterr().err
    write_project(tmp_path / "data", [("train", "c")])
    assert main(["gather", "bsds"]) == 1
    assert "unseen.bsds.source.root" in capsys.readouterr().err
    assert not (tmp_path / "data/unseen/bsds/resized").exists()
