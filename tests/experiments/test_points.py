"""Every point is a whole, valid params.yaml before the first one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.experiments.points import ResolvedPoint, resolve_points
from huescape.experiments.sweep_file import SweepParams, read_sweep
from huescape.params.load import load_params

ROOT = Path(__file__).parents[2]
FILE = Path("sweeps/mine.yaml")
LR = "systems.colorunet.optimizer.lr"


def _resolve(**sweep: Any) -> tuple[ResolvedPoint, ...]:
    return resolve_points(SweepParams(name="mine", **sweep), FILE, ROOT / "params.yaml")


def test_the_projects_own_sweep_files_are_valid() -> None:
    files = sorted((ROOT / "sweeps").glob("*.yaml"))
    assert {file.stem for file in files} >= {
        "augmentation",
        "bins",
        "lambda",
        "loss",
        "sigma",
        "temperature",
    }
    for file in files:
        sweep = read_sweep(file)
        assert sweep.name == file.stem
        assert len(resolve_points(sweep, file, ROOT / "params.yaml")) > 1


def test_a_point_is_params_yaml_with_its_values_and_comments(tmp_path: Path) -> None:
    points = _resolve(grid={"quantizers.yuv32.prior.lambda": [0.25], LR: [0.004]})
    path = tmp_path / "params.yaml"
    path.write_text(points[0].text)
    params, before = load_params(path), load_params(ROOT / "params.yaml")
    assert params.quantizers["yuv32"].prior.lam == 0.25
    assert params.systems["colorunet"].optimizer["lr"] == 0.004
    assert params.filter == before.filter
    assert params.quantizers["lab313"] == before.quantizers["lab313"]
    comments = [line for line in (ROOT / "params.yaml").read_text().splitlines() if "#" in line]
    assert comments
    assert [line for line in points[0].text.splitlines() if "#" in line] == comments


def test_a_section_that_is_not_written_out_is_made() -> None:
    (point,) = _resolve(grid={"systems.colorunet.loss.weighted": [False]})
    written = YAML(typ="safe", pure=True).load(point.text)
    assert written["systems"]["colorunet"]["loss"] == {"weighted": False}


def test_a_system_that_starts_from_another_can_vary(tmp_path: Path) -> None:
    entry = (
        "{preset: colorunet, quantizer: yuv32, initialization: {method: system, from: colorunet}}"
    )
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    path.write_text(text.replace("finetuned: {}", f"finetuned: {{fine: {entry}}}"))
    own = SweepParams(name="mine", grid={"finetuned.fine.steps": [5, 6]}, systems=("fine",))
    points = resolve_points(own, FILE, path)
    assert [point.targets for point in points] == [("score@fine",)] * 2
    assert len({point.digest for point in points}) == 2
    first = SweepParams(name="mine", grid={LR: [0.004, 0.005]}, systems=("fine",))
    assert len({point.digest for point in resolve_points(first, FILE, path)}) == 2
    every = SweepParams(name="mine", grid={LR: [0.004]})
    (point,) = resolve_points(every, FILE, path)
    assert (point.systems, point.targets) == (("colorunet", "fine"), ("report",))
    wide = SweepParams(name="mine", grid={"finetuned.fine.network.width": [16, 4]})
    with pytest.raises(ParamsError, match=r"point 2: finetuned\.fine\.initialization\.from: .*fit"):
        resolve_points(wide, FILE, path)


def test_an_item_of_a_list_can_vary() -> None:
    points = _resolve(grid={"download.sources.0.photos": [60, 120]})
    texts = [YAML(typ="safe", pure=True).load(point.text) for point in points]
    assert [text["download"]["sources"][0]["photos"] for text in texts] == [60, 120]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("systems.colorunet.optimizer.lrr", 1.0, [".optimizer.lrr: no such key", "lr, milestones"]),
        ("systems.colorunet.network.widht", 4, ["widht", "allowed"]),
        ("systems.colorunet.quantizer", "yuv33", ["'yuv33' is not a quantizer", "lab313, yuv32"]),
        ("systems.colournet.steps", 5, ["systems.colournet.steps: no such entry", "colorunet"]),
        ("quantizers.lab999.prior.lambda", 0.5, ["lab999", "allowed: quantizers.lab313"]),
        ("quantizers", {}, ["quantizers: no such entry"]),
        ("quantizers.yuv32.prior.lam", 0.5, ["no such key", "lambda"]),
        ("quantizers.yuv32.prior.lambda", 1.5, ["is 1.5", "at most 1"]),
        (
            "evaluate.decode.temperature",
            "cold",
            ["evaluate.decode.temperature is 'cold'", "a number"],
        ),
        (
            "evaluate.decode.temperature.low",
            0.3,
            ["evaluate.decode.temperature.low: no such key", "a value"],
        ),
        ("download.sources.7.photos", 60, ["download.sources.7: no such item", "0 to"]),
        ("download.sources.0.photos", 3, ["download.sources.0.photos is 3", "at least 20"]),
        ("download.sources.0.kind", "moon", ["download.sources.0.kind is 'moon'", "sample"]),
        ("train.steps", 5, ["train: no such key", "systems"]),
    ],
)
def test_a_wrong_point_names_the_file_the_key_and_what_is_allowed(
    key: str, value: Any, words: list[str]
) -> None:
    with pytest.raises(ParamsError) as raised:
        _resolve(points=({LR: 0.004}, {key: value}))
    line = str(raised.value)
    assert line.startswith(f"{FILE}: point 2: ")
    assert "\n" not in line
    for word in words:
        assert word in line


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"'unet' is not there; allowed: .*colorunet"):
        _resolve(systems=("unet",), grid={LR: [0.1]})


@pytest.mark.parametrize(
    "written", [{"systems.colorunet.augmentation.flip": True}, {"download.sources.0.seed": 0}]
)
def test_points_that_mean_the_same_are_refused(written: dict[str, Any]) -> None:
    """The second writes out what the preset, or the source, says anyway."""
    with pytest.raises(ParamsError, match=r"points 1 \(as params.yaml\) and 2 .* mean the same"):
        _resolve(points=({}, written))


def test_the_digest_leaves_out_systems_that_are_not_swept(tmp_path: Path) -> None:
    params = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
    digests = []
    for steps in (100, 200):
        params["systems"]["other"] = {**params["systems"]["colorunet"], "steps": steps}
        path = tmp_path / "params.yaml"
        with path.open("w") as stream:
            YAML(typ="safe", pure=True).dump(params, stream)
        sweep = SweepParams(name="mine", systems=("colorunet",), grid={LR: (0.1, 0.2)})
        digests.append([point.digest for point in resolve_points(sweep, FILE, path)])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 2
