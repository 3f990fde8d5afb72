"""params.yaml is validated once and whole; what is wrong gets one line with its dotted key."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.params.load import load_params
from huescape.params.presets import read_system, resolve_system
from huescape.params.systems import OptimizerParams, SystemOverrides, SystemParams
from huescape.tools.schema import whole_schema

ROOT = Path(__file__).parents[2]


def _write(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "params.yaml"
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(value, stream)
    return path


def _changed(tmp_path: Path, dotted: str, value: Any) -> Path:
    base = copy.deepcopy(YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text()))
    *parents, last = dotted.split(".")
    at = base
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return _write(tmp_path, base)


def test_the_projects_own_file_is_valid() -> None:
    params = load_params(ROOT / "params.yaml")
    assert set(params.quantizers) == {"lab313", "yuv32"}
    assert params.quantizers["yuv32"].bins.n == 32
    assert "colorunet" in params.systems


@pytest.mark.parametrize(
    ("dotted", "value", "words"),
    [
        ("quantizers.yuv32.prior.lambda", 1.5, ["1.5", "at least 0", "at most 1"]),
        ("quantizers.yuv32.prior.lambda", -0.1, ["-0.1", "at least 0"]),
        ("quantizers.yuv32.prior.lam", 0.5, ["no such key", "lambda, sigma"]),
        ("quantizers.yuv32.bins", {"rule": "frequent", "n": 101}, ["101", "100 bins", "1 to 100"]),
        ("quantizers.yuv32.bins", {"rule": "odd"}, ["rule is 'odd'", "frequent, gamut"]),
        ("quantizers.yuv32.bins", {"rule": "gamut"}, ["step is 10.0", "0.02 to 0.4"]),
        ("quantizers.yuv32.bins", {"n": 3}, ["rule: is missing", "frequent, gamut"]),
        ("quantizers.yuv32.encode.stride", "two", ["'two'", "whole number"]),
        ("evaluate.decode.temperature", 0, ["is 0", "above 0"]),
        ("evaluate.decode.temperature", -1, ["is -1", "above 0"]),
        ("evaluate.prior", "yuv32", ["evaluate.prior", "space = lab"]),
        ("evaluate.prior", "none", ["'none'", "lab313, yuv32"]),
        ("systems.colorunet.quantizer", "zz", ["'zz'", "lab313, yuv32"]),
        ("systems.colorunet.preset", "zz", ["'zz'", "colorunet"]),
        ("systems.colorunet.preset", ..., ["is missing"]),
        ("systems.colorunet.optimizer.lr", "fast", ["'fast'", "a number above 0"]),
        ("systems.colorunet.optimizer.lrr", 1, ["no such key", "lr, milestones"]),
        ("systems.colorunet.augmentation.crop", 300, ["300", "256"]),
        ("systems.colorunet.augmentation.crop", 4, ["4", "at least 16"]),
        ("systems.colorunet.optimizer.gamma", 2, ["is 2;", "above 0, at most 1, or a list"]),
        ("systems.colorunet.optimizer.gamma", "x", ["is 'x';", "a number", "or a list"]),
        ("systems.colorunet.optimizer.gamma", [0.1, 3], ["is [0.1, 3];", "or a list"]),
        (
            "systems.colorunet.initialization",
            {"method": "x"},
            ["is 'x'", "network, kmeans, system, released"],
        ),
        ("systems.colorunet.initialization", {"photos": 1}, ["is 1", "at least 2"]),
        (
            "systems.colorunet.initialization",
            {"method": "kmeans", "file": "a"},
            ["file says nothing", "for released"],
        ),
        (
            "systems.colorunet.initialization",
            {"file": "a"},
            ["method is missing; allowed with file: released"],
        ),
        ("systems.colorunet.initialization", {"method": "released"}, ["file is missing with"]),
        (
            "systems.colorunet.initialization",
            {"from": "a"},
            ["method is missing; allowed with from: system"],
        ),
        (
            "systems.colorunet.initialization",
            {"seed": 0},
            ["no such key", "file, from, method, photos"],
        ),
        ("systems.colorunet.network", 3, ["is 3", "a section"]),
        ("systems.colorunet.steps", 0, ["is 0", "at least 1 with initialization.method network"]),
        ("download.sources", [], ["a list", "1 or more"]),
        ("filtre", {}, ["no such key", "filter"]),
        ("filter", None, ["None", "a section"]),
        ("filter.categories", "cor", ["'cor'", "core, extended, colorunet, all"]),
        ("filter.split.val", 0.9, ["val + test", "below 1"]),
        ("resize.size", 250, ["250", "a multiple of 8"]),
        ("filter.min_side", "100", ["'100'", "a whole number"]),
        ("filter.min_side", True, ["True", "a whole number"]),
        ("filter.split.honor_lists", 1, ["is 1", "true or false"]),
        ("systems.colorunet.optimizer.lr", "0.1", ["'0.1'", "a number above 0"]),
        ("systems.colorunet.optimizer.lr", float("inf"), ["inf", "a number above 0"]),
        ("systems.colorunet.optimizer.betas", [0.9, "x"], ["betas.1", "'x'", "a number"]),
        ("evaluate.decodes", [{"tau": "0.5"}], ["decodes.0.tau", "'0.5'"]),
        ("quantizers.lab313.encode.stride", 3, ["is 3", "a divisor of resize.size = 256"]),
    ],
)
def test_a_wrong_value_is_named_in_one_line(
    tmp_path: Path, dotted: str, value: Any, words: list[str]
) -> None:
    path = _changed(tmp_path, dotted, value)
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    named = {"filter.split.val": "filter.split"}.get(dotted, dotted)
    if value == {"rule": "gamut"}:
        named = "quantizers.yuv32: bins"
    for word in [named, *words]:
        assert word in message, message
    assert "another value" not in message


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("colorunet", {}, "systems.colorunet has that name; allowed: another one for the system"),
        ("nosuch", {}, "no model of that name comes with huescape; allowed: landscape"),
        ("landscape", {"tau": 0.4}, "tau: no such key; allowed here: none"),
    ],
)
def test_what_is_scored_as_released_comes_with_huescape(
    tmp_path: Path, name: str, entry: Any, words: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        load_params(_changed(tmp_path, f"released.{name}", entry))
    assert f"released.{name}" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("dotted", "entry", "words"),
    [
        ("perceived.landscape", {}, "is not a system; allowed: colorunet"),
        ("perceived_released.colorunet", {}, "is not a shipped model; allowed: landscape"),
        ("perceived.colorunet", {"classifiers": ["efficientnet_lite1"]}, "2 or more"),
        ("perceived.colorunet", {"classifiers": ["vgg16", "efficientnet_lite0"]}, "'vgg16'"),
        (
            "perceived.colorunet",
            {"classifiers": ["efficientnet_lite0"] * 2},
            "lists 'efficientnet_lite0' twice; allowed: each classifier once",
        ),
        ("neighbors.train", {}, "test"),
        ("neighbors.test", {"pairs": 65}, "pairs is 65; allowed: a whole number at least 0"),
        ("neighbors.test", {"max_distance": -1}, "max_distance is -1"),
    ],
)
def test_what_must_be_asked_for_is_there(
    tmp_path: Path, dotted: str, entry: Any, words: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        load_params(_changed(tmp_path, dotted, entry))
    assert dotted in str(caught.value)
    assert words in str(caught.value)


def test_a_name_is_perceived_once(tmp_path: Path) -> None:
    base = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
    base["systems"]["landscape"] = base["systems"]["colorunet"]
    base |= {
        "released": {},
        "perceived": {"landscape": {}},
        "perceived_released": {"landscape": {}},
    }
    with pytest.raises(
        ParamsError, match=r"perceived_released\.landscape: perceived\.landscape has"
    ):
        load_params(_write(tmp_path, base))


def test_what_a_system_starts_from_stands_where_the_graph_reads_it(tmp_path: Path) -> None:
    finetuned = {"preset": "zhang2016_l2_finetuned", "quantizer": "yuv32"}
    for section, name, entry, words in (
        ("systems", "fine", finetuned, "from names a system; allowed in the section `finetuned`"),
        ("finetuned", "fine", finetuned, "from is missing; allowed: one of `systems`: colorunet"),
        ("finetuned", "fine", {**finetuned, "initialization": {"from": "fine"}}, "from is 'fine'"),
        ("finetuned", "colorunet", finetuned, "systems.colorunet has that name"),
    ):
        path = _changed(tmp_path, f"{section}.{name}", entry)
        with pytest.raises(ParamsError) as caught:
            load_params(path)
        assert f"{section}.{name}" in str(caught.value)
        assert words in str(caught.value)
    entry = {**finetuned, "initialization": {"from": "colorunet"}}
    path = _changed(tmp_path, "finetuned.fine", entry)
    assert list(load_params(path).every_system) == ["colorunet", "fine"]
    found = resolve_system("fine", read_system(path, "fine"))
    assert (found.initialization.method, found.initialization.start) == ("system", "colorunet")
    assert SystemParams.model_validate(found.model_dump(mode="json")) == found
    assert read_system(path, "colorunet").section == "systems"
    with pytest.raises(ParamsError, match=r"no is not a system; allowed: colorunet, fine$"):
        read_system(path, "no")


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    sources = [{"kind": "sample"}, {"kind": "folder", "name": "sample", "root": "x"}]
    with pytest.raises(ParamsError, match="two sources have the name 'sample'"):
        load_params(_changed(tmp_path, "download.sources", sources))


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2\n", "- 1\n", "", "\tx: 1"])
def test_a_broken_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"run in the folder that holds params\.yaml"):
        load_params(tmp_path / "params.yaml")


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    text = re.sub(r"lr: [0-9.]+", "lr: 1e-3", (ROOT / "params.yaml").read_text())
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert load_params(path).systems["colorunet"].optimizer["lr"] == 1e-3


def test_the_schema_is_the_models() -> None:
    kept = json.loads((ROOT / "params.schema.json").read_text())
    assert kept == json.loads(json.dumps(whole_schema())), (
        "run `huescape schema > params.schema.json`"
    )


def _resolved(preset: str, **sections: Any) -> SystemParams:
    entry = {"preset": preset, "quantizer": "q", **sections}
    return resolve_system("mine", SystemOverrides.model_validate(entry))


def test_a_section_of_another_name_replaces_the_presets() -> None:
    """What belongs to the preset's loss or network is no option of another one."""
    focal = _resolved("colorunet", loss={"name": "focal", "alpha": 3.0})
    assert focal.loss.model_dump() == {"name": "focal", "alpha": 3}
    assert _resolved("colorunet", loss={"name": "focal"}).loss.options == {}
    l2 = _resolved("slides_focal", loss={"name": "l2", "reduction": "pixel"})
    assert l2.loss.model_dump() == {"name": "l2", "reduction": "pixel"}
    flat = _resolved("mleu_classification", network={"name": "flat", "width": 3})
    assert (flat.network.name, flat.network.options) == ("flat", {"width": 3})
    sgd = _resolved("zhang2016", optimizer={"name": "sgd", "lr": 0.5})
    assert sgd.optimizer == OptimizerParams(name="sgd", lr=0.5)


def test_another_loss_never_changes_what_a_weight_decay_means() -> None:
    with pytest.raises(
        ParamsError, match=r"^params\.yaml: systems\.mine\.loss\.reduction: is miss"
    ):
        _resolved("zhang2016", loss={"name": "l2"})


def test_a_section_of_the_same_name_or_none_changes_the_presets() -> None:
    for name in ({}, {"name": "cross_entropy"}):
        loss = _resolved("zhang2016_norebalance", loss=name).loss
        assert loss.model_dump() == {
            **{"name": "cross_entropy", "weighted": False},
            "reduction": "photo",
        }
    network = _resolved("mleu_regression", network={"width": 4}).network
    assert network.options["width"] == 4
    assert network.options["activation"] == "tanh01"
    assert _resolved("zhang2016", optimizer={"lr": 0.5}).optimizer.weight_decay == 1e-3
    assert _resolved("zhang2016", initialization={"photos": 3}).initialization.method == "kmeans"


def test_initialization_passes_through() -> None:
    found = _resolved("zhang2016", initialization={"method": "kmeans"}).initialization
    assert (found.method, found.photos) == ("kmeans", 16)
    assert _resolved("chromagan").initialization.method == "network"  # no preset needs to name it


@pytest.mark.parametrize(
    ("milestones", "gamma", "factors"),
    [([0.5], 0.3, (0.3,)), ([0.2, 0.4], [0.1, 0.5], (0.1, 0.5)), ([], 0.3, ()), ([], [], ())],
)
def test_gamma_is_one_factor_or_as_many_as_milestones(
    milestones: list[float], gamma: Any, factors: tuple[float, ...]
) -> None:
    optimizer = {"milestones": milestones, "gamma": gamma}
    assert _resolved("zhang2016", optimizer=optimizer).optimizer.factors == factors


@pytest.mark.parametrize("gamma", [[], [0.1], [0.1, 0.2, 0.3]])
def test_another_number_of_factors_is_refused(gamma: list[float]) -> None:
    words = rf"systems\.mine\.optimizer: gamma has {len(gamma)} factors; .* the 2 milestones"
    with pytest.raises(ParamsError, match=words):
        _resolved("zhang2016", optimizer={"gamma": gamma})
