"""The stage `probe` from files to files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from huescape.base.errors import HuescapeError
from huescape.cli import main
from huescape.color.bins import gamut_centers
from huescape.params.base import Named
from huescape.params.probes import ProbedParams
from huescape.params.systems import SystemParams
from huescape.stages import probe
from huescape.systems.system import build_system, load_system, save_system
from tests.evaluation.conftest import write_system
from tests.probing.made import balanced, stripes, write_project
from tests.reporting.project import Page

TWO = ("f/lying", "f/tall")
PARAMS = ProbedParams(features=64)


def call(project: Path, model: Path, params: ProbedParams = PARAMS) -> dict[str, float]:
    out = project / "out"
    paths = project / "resized", project / "catalog", out / f"{model.name}.json", out / model.name
    return probe.run(model, *paths, params)


def telling_system(folder: Path, second_weight: float = 1.0) -> Path:
    """A flat network whose second block alone tells standing stripes from lying ones.

    Its first layer takes differences of neighbors, both signs, whose means are about 0; after ReLU
    their means are the strength of edges, and the second layer takes those of the two directions
    from each other.
    """
    write_system(folder, "lab", "flat")
    system = load_system(folder)
    first, second = (system.network.get_submodule(name) for name in ("conv1", "conv2"))
    assert isinstance(first, torch.nn.Conv2d)
    assert isinstance(second, torch.nn.Conv2d)
    with torch.no_grad():
        for layer in (first, second):
            layer.weight.zero_()
            layer.bias.zero_()  # type: ignore[union-attr]
        for channel, (sign, row, column) in enumerate(
            ((1, 1, 2), (-1, 1, 2), (1, 2, 1), (-1, 2, 1))
        ):
            first.weight[channel, 0, 1, 1] = -sign
            first.weight[channel, 0, row, column] = sign
        second.weight[0, :, 1, 1] = second_weight * torch.tensor([1.0, 1.0, -1.0, -1.0])
    geometry = system.params.geometry.model_copy(update={"fit": "inside"})
    params = system.params.model_copy(update={"geometry": geometry})
    save_system(folder, replace(system, params=params), {}, "step,loss\n")
    return folder


def by_block(project: Path, name: str, weights: str) -> dict[str, dict[str, object]]:
    record = json.loads((project / "out" / name / "probe.json").read_text())
    return {row["block"]: row for row in record["probes"] if row["weights"] == weights}


def test_the_one_depth_that_holds_the_label_is_found(tmp_path: Path) -> None:
    photos = [*balanced(30, 10, 20, TWO), ("train", "r/rare"), ("test", "r/rare"), ("test", "")]
    project = write_project(tmp_path / "p", photos)
    said = call(project, telling_system(tmp_path / "models/mine"))
    rows = by_block(project, "mine", "trained")
    assert list(rows) == ["conv1", "conv2"]
    assert rows["conv2"]["accuracy"] == {"value": 1, "interval": [1, 1]}
    assert rows["conv1"]["accuracy"]["value"] < 0.75  # type: ignore[index]
    gray = by_block(project, "mine", "gray")[""]
    assert gray["features"] == 64
    assert gray["accuracy"]["value"] < 0.75  # type: ignore[index]
    assert rows["conv2"]["less_gray"]["accuracy"]["interval"][0] > 0.2  # type: ignore[index]
    assert list(by_block(project, "mine", "random")) == ["conv1", "conv2"]
    record = json.loads((project / "out/mine/probe.json").read_text())
    assert record["categories"] == {"f/lying": 30, "f/tall": 30}
    assert record["left_out"] == {"r/rare": 1}
    assert record["photos"] == {"train": 60, "val": 20, "test": 40}
    assert record["most_frequent"] == 0.5
    assert said == json.loads((project / "out/mine.json").read_text())
    assert said["trained_accuracy"] == 1
    with (project / "out/mine/probe.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [(row["weights"], row["block"]) for row in table] == [
        ("gray", ""),
        *((weights, block) for weights in ("trained", "random") for block in ("conv1", "conv2")),
    ]
    assert table[2]["accuracy_low"] == "1.000000"


def test_a_block_that_says_nothing_is_as_good_as_a_constant(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", balanced(12, 6, 8, TWO))
    call(project, telling_system(tmp_path / "models/mine", 0.0))
    assert by_block(project, "mine", "trained")["conv2"]["accuracy"]["value"] == 0.5  # type: ignore[index]


def test_equal_inputs_give_equal_bytes_and_another_seed_other_random_weights(
    tmp_path: Path,
) -> None:
    model = telling_system(tmp_path / "models/mine")
    projects = [write_project(tmp_path / f"p{k}", balanced(12, 6, 8, TWO)) for k in range(3)]
    for project, seed in zip(projects, (0, 0, 1), strict=True):
        call(project, model, PARAMS.model_copy(update={"seed": seed}))
    names = ["mine.json", "mine/depth.png", "mine/probe.csv", "mine/probe.json"]
    names += ["mine/index.html"]
    first, again, other = ([(p / "out" / name).read_bytes() for name in names] for p in projects)
    assert first == again
    page = Page((projects[0] / "out/mine/index.html").read_text())
    assert "trained, conv2" in page.text
    assert len(page.values("src")) == 1
    assert first[3] != other[3]
    rows = [by_block(project, "mine", "trained") for project in projects]
    assert rows[0]["conv2"]["accuracy"] == rows[2]["conv2"]["accuracy"]


def test_the_random_weights_are_those_of_a_fresh_system(tmp_path: Path) -> None:
    """A system that was never trained, of the same seed, is its own random control."""
    project = write_project(tmp_path / "p", balanced(12, 6, 8, TWO))
    call(project, write_system(tmp_path / "models/mine", "lab"))
    trained, random = (by_block(project, "mine", weights) for weights in ("trained", "random"))
    assert list(trained) == ["down1", "down2", "down3", "up1", "up2", "up3"]
    for block, row in trained.items():
        for key in ("accuracy", "balanced", "validation", "strength"):
            assert row[key] == random[block][key]


def test_what_training_started_from_is_a_control(tmp_path: Path) -> None:
    """A network that nobody trained knows what its pretrained encoder knows, and no more."""
    project = write_project(tmp_path / "p", balanced(12, 6, 8, TWO))
    model = write_untrained(tmp_path / "models/mine")
    said = call(project, model)
    rows = {w: by_block(project, "mine", w) for w in ("trained", "pretrained", "random")}
    assert list(rows["trained"]) == list(rows["pretrained"]) == list(rows["random"])
    encoder = [block for block in rows["trained"] if block.startswith("encoder.")]
    assert len(encoder) == 18
    for block, row in rows["trained"].items():
        assert row["accuracy"] == rows["pretrained"][block]["accuracy"]
        assert row["less_pretrained"]["accuracy"] == {"value": 0, "interval": [0, 0]}  # type: ignore[index]
    assert said["pretrained_accuracy"] == said["trained_accuracy"]
    assert rows["trained"] != rows["random"]


def write_untrained(folder: Path) -> Path:
    """`huescape` as its training starts: a pretrained encoder, and all else at random."""
    params = SystemParams(
        preset="huescape",
        quantizer="toy",
        network=Named.model_validate({"name": "huescape", "width": 4}),
        loss=Named(name="cross_entropy"),
    )
    centers = gamut_centers()
    spec = {"name": "toy", "space": "lab", "encode": {}, "bins": len(centers)}
    system = build_system(params, spec, centers, np.ones(len(centers)), pretrained=True)
    save_system(folder, system, {}, "step,loss\n")
    return folder


def test_padding_is_not_seen(tmp_path: Path) -> None:
    model = telling_system(tmp_path / "models/mine")
    photos = balanced(12, 6, 8, TWO)

    def padded(value: int) -> Path:
        def paint(number: int, category: str) -> np.ndarray:
            rgb = stripes(number, category)
            if number % 3 == 0:
                rgb[:4] = rgb[28:] = value
            return rgb

        return write_project(tmp_path / f"p{value}", photos, paint)

    records = []
    for project in (padded(0), padded(200)):
        call(project, model)
        records.append((project / "out/mine/probe.json").read_bytes())
    assert records[0] == records[1]


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        (balanced(12, 6, 8, TWO[:1]), "only f/lying has 10 training photos or more"),
        (balanced(9, 6, 8, TWO), "no category has 10 training photos or more"),
        (balanced(12, 6, 8, ("",)), r"no category has 10 .* \(0 have fewer; see min_photos\)"),
        (balanced(12, 6, 0, TWO), "no photo of the split test is of the 2 categories"),
        (balanced(12, 0, 8, TWO), "no photo of the split val is of the 2 categories"),
    ],
)
def test_what_cannot_be_probed_is_one_line(
    tmp_path: Path, photos: list[tuple[str, str]], words: str
) -> None:
    project = write_project(tmp_path / "p", photos)
    with pytest.raises(HuescapeError, match=words) as caught:
        call(project, write_system(tmp_path / "models/mine", "lab"))
    assert "\n" not in str(caught.value)
    assert not (project / "out").exists()


def test_a_system_that_is_not_asked_for_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "params.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(text.replace("\nprobed: {}", "\nprobed: {colorunet: {}}"))
    assert main(["probe", "nosuch"]) == 2
    assert "nosuch is neither in probed nor in probed_released; allowed: colorunet" in (
        capsys.readouterr().err
    )
    assert main(["probe", "colorunet"]) == 1
    assert "models/colorunet: no such file or folder" in capsys.readouterr().err
