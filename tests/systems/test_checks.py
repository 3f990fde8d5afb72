"""What could not be trained is refused before anything runs, in one line with file and key."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.experiments.recipe import read_recipe
from huescape.losses import LOSSES
from huescape.networks.chromagan import _trunk
from huescape.params.load import validated
from huescape.systems.checks import check_systems

ROOT = Path(__file__).parents[2]
WHOLE = read_recipe(ROOT / "experiments" / "cpu.yaml")
MORE = (
    *("finetuned", "released", "perceived", "perceived_released", "neighbors"),
    *("probed", "probed_released", "unseen", "generalized", "generalized_released"),
)
RECIPE = {**WHOLE, **{section: {} for section in MORE}}  # its systems are replaced below


def changed(system: str, **sections: Any) -> dict[str, Any]:
    """The recipe with one system alone, some of its sections replaced."""
    entry = {**copy.deepcopy(RECIPE["systems"][system]), **sections}
    return {**RECIPE, "systems": {system: entry}}


def check(params: dict[str, Any]) -> None:
    check_systems(validated(params, "here.yaml"), "here.yaml")


def test_every_system_of_the_recipe_passes() -> None:
    check(WHOLE)


@pytest.mark.parametrize(
    ("system", "sections", "words"),
    [
        ("zhang2016", {"quantizer": "no"}, ["quantizer: 'no' is not a quantizer", "lab313, "]),
        ("zhang2016", {"network": {"name": "no"}}, ["network.name is 'no'", "colorunet, flat"]),
        ("colorunet", {"loss": {"name": "no"}}, ["loss.name is 'no'", "block, chromagan, "]),
        (
            "zhang2016",
            {"loss": {"name": "l2"}},
            ["loss.reduction: is missing", "preset zhang2016 has reduction photo", "pixel"],
        ),
        ("zhang2016", {"loss": {"reduction": "sum"}}, ["loss.reduction is 'sum'", "pixel, photo"]),
        ("zhang2016", {"quantizer": "lab_chroma4"}, ["loss.name is 'cross_entropy'", "'chroma'"]),
        ("zhang2016_l2", {"quantizer": "lab313"}, ["loss.name is 'l2'", "'soft'", "chroma"]),
        ("zhang2016_l2", {"quantizer": "lab313_hard"}, ["loss.name is 'l2'", "'hard'"]),
        ("zhang2016", {"quantizer": "yuv32"}, ["network: 'zhang2016'", "stride is 1", ": 4"]),
        ("zhang2016", {"network": {"width": 0}}, ["network.width is 0", "at least 1"]),
        ("zhang2016", {"network": {"width": 1.5}}, ["network.width is 1.5", "whole number"]),
        ("zhang2016", {"network": {"widht": 8}}, ["network.widht: no such key", "centered, norm_"]),
        (
            "zhang2016",
            {"loss": {"alpha": 1}},
            ["loss.alpha: no such key", "here: reduction, weighted"],
        ),
        ("zhang2016", {"optimizer": {"betas": [0.9, 1]}}, ["optimizer.betas.1 is 1", "below 1"]),
        (
            "zhang2016",
            {"augmentation": {"noise": [-1]}},
            ["augmentation.noise.0 is -1", "at least 0"],
        ),
        ("zhang2016", {"seed": 2**63}, ["seed is 9223372036854775808", "below"]),
        ("zhang2016", {"optimizer": {"gamma": 2}}, ["optimizer.gamma is 2;", "above 0, at most 1"]),
        ("zhang2016", {"optimizer": {"gamma": [0.5]}}, ["optimizer: gamma has 1 factors", "the 2"]),
        (
            "colorunet",
            {
                "augmentation": {"mode": "together", "area": [0.3, 1], "crop": None},
                "geometry": {"fit": "pad"},
            },
            ["augmentation.area: allowed with geometry.fit pad: null"],
        ),
        (
            "colorunet",
            {"augmentation": {"mode": "single", "area": [0.3, 1]}},
            ["augmentation: area: is drawn anew", "allowed with mode single: null"],
        ),
        (
            "colorunet",
            {"augmentation": {"mode": "together", "area": [0.3, 2]}},
            ["augmentation.area.1 is 2", "at most 1"],
        ),
        (
            "colorunet",
            {"augmentation": {"mode": "together", "lightness": {}}, "geometry": {"fit": "pad"}},
            ["augmentation.lightness", "allowed with geometry.fit pad: null"],
        ),
        (
            "colorunet",
            {"positions": 0.5, "loss": {"name": "block"}},
            ["positions is 0.5", "loss.name 'block'", "null"],
        ),
        ("zhang2016", {"positions": 0.5}, ["positions is 0.5", "loss.reduction photo", "null"]),
        (
            "zhang2016",
            {"network": {"name": "huescape"}},
            [
                "loss.name is 'cross_entropy'",
                "nothing beside the bins; network 'huescape' gives chroma",
            ],
        ),
        (
            "colorunet",
            {"loss": {"name": "bins_and_chroma"}},
            [
                "loss.name is 'bins_and_chroma'",
                "chroma beside the bins; network 'colorunet' gives no",
            ],
        ),
        (
            "colorunet",
            {"network": {"name": "huescape"}, "loss": {"name": "bins_and_chroma"}},
            ["network: 'huescape' takes the lightness of lab", "space is 'yuv'"],
        ),
        (
            "colorunet",
            {"network": {"name": "huescape", "drop_pooled": 1}},
            ["network.drop_pooled is 1", "below 1"],
        ),
        ("colorunet", {"positions": 1.5}, ["positions is 1.5", "below 1"]),
        ("colorunet", {"optimizer": {"slow": 0.5}}, ["optimizer.slow is 0.5", "no slow part: 1"]),
        (
            "colorunet",
            {"optimizer": {"schedule": "cosine"}},
            ["optimizer: milestones are for schedule milestones", "allowed with cosine: []"],
        ),
        ("colorunet", {"optimizer": {"average": 1}}, ["optimizer.average is 1", "below 1"]),
        ("colorunet", {"augmentation": {"crop": 20}}, ["augmentation.crop is 20", "of 8"]),
        ("mleu_random", {"augmentation": {"crop": 40}}, ["augmentation.crop is 40", "of 32"]),
        ("chromagan", {"network": {"width": 1}}, ["network.width is 1", "at least 2"]),
        ("chromagan", {"network": {"width": 3}}, ["network.width is 3", "a multiple of 2"]),
        ("chromagan", {"network": {"stride": 2}}, ["network: 'chromagan'", "stride is 1", ": 2"]),
        ("chromagan", {"network": {"classes": 9}}, ["network.classes is 9", "1000"]),
        ("chromagan", {"loss": {"span": 0}}, ["loss.span is 0", "allowed", "above 0"]),
        ("chromagan", {"network": {"norm_momentum": 2.0}}, ["network.norm_momentum is 2.0", "1"]),
        (
            "mleu_random",
            {"network": {"activation": "tanh01"}},
            ["network.activation is 'tanh01'", "none"],
        ),
        ("chromagan", {"loss": {"teacher": "no"}}, ["loss.teacher: ", "'no'", "vgg16"]),
        ("chromagan", {"compile": True}, ["compile is true", "with loss.name 'chromagan': false"]),
        ("colorunet", {"network": {"skips": 1}}, ["network.skips is 1", "true or false"]),
        (
            "chromagan",
            {"quantizer": "yuv32", "loss": {"name": "cross_entropy"}},
            ["loss.name is 'cross_entropy'", "a head of bins", "'chromagan' has chroma"],
        ),
        (
            "colorunet",
            {"quantizer": "lab_chroma", "loss": {"name": "chromagan"}},
            ["loss.name is 'chromagan'", "classes", "network.name is 'colorunet'"],
        ),
        (
            "mleu_random",
            {"network": {"activation": "tanh", "pretrained": "none"}},
            ["network.activation is 'tanh'", "allowed: none"],
        ),
        ("mleu_random", {"network": {"pretrained": "resnet"}}, ["network.pretrained: ", "resnet"]),
        (
            "mleu_random",
            {"network": {"stride": 4, "pretrained": "vgg16:/no.pt"}},
            ["network.pretrained: /no.pt: no such file"],
        ),
        (
            "chromagan",
            {"network": {"pretrained": "efficientnet_lite0"}},
            ["network.pretrained is 'efficientnet_lite0'", "allowed for chromagan: vgg16"],
        ),
    ],
)
def test_a_system_that_cannot_be_trained_is_one_line(
    system: str, sections: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ParamsError) as caught:
        check(changed(system, **sections))
    message = str(caught.value)
    assert message.startswith(f"here.yaml: systems.{system}.{words[0]}")
    assert all(word in message for word in words), message
    assert "\n" not in message


TWO_HEADS = "bins_and_chroma"


@pytest.mark.parametrize("method", ["soft", "hard", "chroma"])
def test_two_heads_learn_from_bins_alone(method: str) -> None:
    parts = {"network": {"name": "huescape", "width": 2}, "loss": {"name": TWO_HEADS}}
    params = changed("zhang2016", **{**parts, "loss": {"name": TWO_HEADS, "reduction": "pixel"}})
    params["systems"]["zhang2016"] |= {"augmentation": {"crop": 96}, "quantizer": "lab313"}
    params["quantizers"] = copy.deepcopy(RECIPE["quantizers"])
    params["quantizers"]["lab313"]["encode"] = {"method": method, "stride": 4}
    params["systems"]["zhang2016"]["geometry"] = {"fit": "inside"}
    if method != "chroma":
        check(params)
        return
    with pytest.raises(ParamsError, match=r"loss\.name is 'bins_and_chroma', .* is 'chroma'"):
        check(params)


@pytest.mark.parametrize("method", ["soft", "hard", "cell", "chroma"])
@pytest.mark.parametrize("loss", [n for n in LOSSES.names() if n not in ("chromagan", TWO_HEADS)])
def test_kinds_of_heads_and_targets_fit(loss: str, method: str) -> None:
    """Every pair of a loss and an encoding: exactly those of one kind are let through."""
    params = changed("colorunet", loss={"name": loss})
    params["quantizers"] = copy.deepcopy(RECIPE["quantizers"])
    params["quantizers"]["yuv32"]["encode"] = {"method": method, "stride": 1}
    if (LOSSES.find(loss).head == "chroma") == (method == "chroma"):
        check(params)
        return
    with pytest.raises(ParamsError) as caught:
        check(params)
    for word in (f"systems.colorunet.loss.name is '{loss}'", f"is '{method}'"):
        assert word in str(caught.value)


def test_a_photo_that_does_not_fit_the_network_needs_a_crop_inside() -> None:
    params = changed("mleu_random", augmentation={"crop": None}, geometry={"fit": "pad"})
    check(params)
    params["resize"] = {"size": 112, "shards": 1}
    with pytest.raises(ParamsError, match=r"crop is null and resize\.size is 112; .* of 32"):
        check(params)
    params["systems"]["mleu_random"]["augmentation"] = {"crop": 96}
    with pytest.raises(ParamsError, match=r"fit is pad and resize\.size is 112; .* of 32"):
        check(params)  # validation shows all of the padded square
    params["systems"]["mleu_random"]["geometry"] = {"fit": "inside"}
    check(params)


def test_a_stretched_photo_must_fit_the_network() -> None:
    params = changed("chromagan", geometry={"side": 100})
    with pytest.raises(ParamsError, match=r"crop is null and geometry\.side is 100; .* of 8"):
        check(params)
    params = changed("zhang2016", augmentation={"crop": None}, geometry={"side": 104})
    check(params)
    params = changed("zhang2016", augmentation={"crop": 96}, geometry={"side": 100})
    with pytest.raises(ParamsError, match=r"fit is stretch and geometry\.side is 100; .* of 8"):
        check(params)


def test_a_network_without_a_multiple_takes_any_crop_of_the_targets() -> None:
    check(changed("colorunet_flat", augmentation={"crop": 24}))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(3, 3)}, tmp_path / "other.pt")
    for system, name in (("mleu_random", "efficientnet_lite0"), ("chromagan", "vgg16")):
        stride = 4 if system == "mleu_random" else 1
        network = {"width": 8, "stride": stride, "pretrained": f"{name}:{tmp_path / 'other.pt'}"}
        with pytest.raises(ParamsError) as caught:
            check(changed(system, network=network))
        assert str(caught.value).startswith(f"here.yaml: systems.{system}.network.pretrained: ")
        assert "tensors do not fit" in str(caught.value)


def test_the_trunk_alone_is_compared_with_its_weights(tmp_path: Path) -> None:
    """ChromaGAN uses the first layers of VGG16: a file of them, in its own width, will do."""
    torch.save(_trunk(8).state_dict(), tmp_path / "trunk.pt")
    network = {"width": 8, "pretrained": f"vgg16:{tmp_path / 'trunk.pt'}"}
    check(changed("chromagan", network=network))
    with pytest.raises(ParamsError, match=r"network\.pretrained: .* tensors do not fit"):
        check(changed("chromagan", network={**network, "width": 4}))


def test_a_start_that_does_not_fit_is_refused() -> None:
    def finetuned(**changes: Any) -> dict[str, Any]:
        zhang, l2 = (
            copy.deepcopy(RECIPE["systems"][name]) for name in ("zhang2016", "zhang2016_l2")
        )
        l2 |= {
            "preset": "zhang2016_l2_finetuned",
            "initialization": {"from": "zhang2016"},
            **changes,
        }
        return {**RECIPE, "systems": {"zhang2016": zhang}, "finetuned": {"fine": l2}}

    check(finetuned())
    with pytest.raises(ParamsError) as caught:
        check(finetuned(network={"width": 4}))
    message = str(caught.value)
    words = "here.yaml: finetuned.fine.initialization.from: system 'zhang2016': does not fit: conv1"
    assert message.startswith(words)


def test_released_weights_that_are_not_there_are_refused() -> None:
    entry = {**copy.deepcopy(RECIPE["systems"]["zhang2016"]), "preset": "zhang2016_released"}
    for file, words in (("/no.pth", "/no.pth: no such file"), ("data/raw/a.pth", "data/raw")):
        entry["initialization"] = {"file": file}
        with pytest.raises(ParamsError) as caught:
            check({**RECIPE, "systems": {"released": entry}})
        message = str(caught.value)
        assert message.startswith("here.yaml: systems.released.initialization.file")
        assert words in message


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose second system is bad."""
    entry = copy.deepcopy(RECIPE["systems"]["colorunet"])
    bad = {**copy.deepcopy(RECIPE["systems"]["zhang2016"]), "network": {"width": 0}}
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump({**RECIPE, "systems": {"good": entry, "bad": bad}}, stream)
    return tmp_path


@pytest.mark.parametrize("arguments", [("check",), ("train", "good")])
def test_a_bad_system_stops_the_training_of_all(project: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "huescape", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "huescape: error: params.yaml: systems.bad.network.width is 0; "
        "allowed: a whole number at least 1, at most 4096"
    ]
    assert [path.name for path in project.iterdir()] == ["params.yaml"]
