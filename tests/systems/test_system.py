"""A system is saved and loaded whole, predicts on any size, and says what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from huescape.base.digests import reseal, seal
from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.confident import diffused
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.systems import SystemParams
from huescape.systems.system import WEIGHTS, System, build_system, load_system, save_system

CENTERS = np.array([[0.0, 0.0], [0.2, -0.1], [-0.15, 0.2]])
PRIOR = np.array([0.5, 0.25, 0.25])
QUANTIZER = {
    "quantizer": "toy",
    "space": "yuv",
    "encode": {"method": "hard", "stride": 1},
    "bins": 3,
}


def toy_params(**changes: Any) -> SystemParams:
    values: dict[str, Any] = {
        "preset": "colorunet",
        "quantizer": "toy",
        "network": {"name": "colorunet", "width": 2},
        "loss": {"name": "cross_entropy"},
    }
    return SystemParams.model_validate(values | changes)


def toy_system(**changes: Any) -> System:
    return build_system(toy_params(**changes), QUANTIZER, CENTERS, PRIOR)


def state_bytes(system: System) -> bytes:
    return b"".join(v.contiguous().numpy().tobytes() for v in system.network.state_dict().values())


def test_fresh_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = toy_system()
    torch.manual_seed(2)
    assert state_bytes(first) == state_bytes(toy_system())
    assert state_bytes(first) != state_bytes(toy_system(seed=1))
    torch.manual_seed(1)
    toy_system()
    assert torch.equal(torch.get_rng_state(), torch.manual_seed(1).get_state())


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 8), (17, 30), (40, 33)])
def test_predicts_on_any_size(size: tuple[int, int]) -> None:
    system = toy_system()
    lightness = torch.rand(2, 1, *size)
    logits = system.predict(system.normalize(lightness))
    assert logits.shape == (2, 3, *size)
    assert logits.dtype == torch.float32
    chroma = system.predict_chroma(lightness, ANNEALED)
    assert chroma.shape == (2, 2, *size)
    assert torch.isfinite(chroma).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (17, 30)])
def test_diffuses_the_medians_of_what_is_likely_beside_the_prior(size: tuple[int, int]) -> None:
    system, decoding = toy_system(), Decoding(method="diffuse", tau=0.3)
    random = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 3, *size, generator=random)
    lightness = torch.rand(2, 1, *size, generator=random)
    medians = system.chroma(logits, Decoding(method="median", tau=0.3))
    expected = diffused(logits, medians, lightness, (0.0, 1.0), 1, PRIOR.max() / 2)
    assert torch.equal(system.decode(logits, decoding, size, size, lightness), expected)
    assert system.predict_chroma(lightness, decoding).shape == (2, 2, *size)
    with pytest.raises(HuescapeError, match="diffuse: no lightness to diffuse along"):
        system.decode(logits, decoding, size, size)


def test_padding_is_a_reflection_that_is_cut_off() -> None:
    system = toy_system()
    lightness = torch.rand(1, 1, 13, 16)
    padded = torch.cat([lightness, lightness[:, :, 9:12].flip(2)], dim=2)
    expected = system.predict(system.normalize(padded))[:, :, :13]
    torch.testing.assert_close(
        system.predict(system.normalize(lightness)), expected, rtol=0, atol=0
    )


def test_a_small_photo_is_shown_at_the_size_of_the_view() -> None:
    """A larger one as it is; without a view, all."""
    plain, larger = toy_system(), toy_system(geometry={"view": 24})
    small, large = torch.rand(1, 1, 16, 12), torch.rand(1, 1, 24, 30)
    assert larger.predict(small).shape == plain.predict(small).shape
    assert not torch.allclose(larger.predict(small), plain.predict(small), atol=1e-3)
    assert torch.equal(larger.predict(large), plain.predict(large))


@pytest.mark.parametrize(("space", "middle", "top"), [("yuv", 0.5, 1.0), ("lab", 50.0, 100.0)])
def test_lightness_is_normalized_by_its_space(space: str, middle: float, top: float) -> None:
    system = build_system(toy_params(), {**QUANTIZER, "space": space}, CENTERS, PRIOR)
    assert system.normalize(torch.tensor([middle, top])).tolist() == [0.0, 0.5]
    x = torch.rand(1, 1, 8, 8)
    lightness = x * system.space.input_scale + system.space.input_offset
    torch.testing.assert_close(system.predict(system.normalize(lightness)), system.predict(x))


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    system = toy_system()
    with torch.no_grad():
        for value in system.network.state_dict().values():
            value += 1
    for name in ("a", "b"):
        save_system(tmp_path / name, system, {"loss": 1.5, "steps": 3}, "step,loss\n1,2.0\n")
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["SHA256SUMS", "history.csv", "system.json", "weights.safetensors"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    loaded = load_system(tmp_path / "a")
    assert state_bytes(loaded) == state_bytes(system)
    assert loaded.params == system.params
    assert loaded.quantizer == system.quantizer
    assert loaded.space.name == "yuv"
    np.testing.assert_array_equal(loaded.centers, CENTERS)
    np.testing.assert_array_equal(loaded.prior, PRIOR)
    x = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(loaded.predict(x), system.predict(x), rtol=0, atol=0)
    description = json.loads((tmp_path / "a" / "system.json").read_text())
    assert (description["loss"], description["steps"], description["version"]) == (1.5, 3, 3)
    assert description["parameters"] == sum(p.numel() for p in system.network.parameters())


@pytest.mark.parametrize(
    ("meta", "centers", "words"),
    [
        ({"quantizer": "lab313"}, CENTERS, "made with quantizer 'lab313'; allowed .* 'toy'"),
        ({}, np.zeros((4, 2)), "targets have 3 bins but there are 4 centers"),
        ({}, np.zeros((3, 3)), r"centers have shape \(3, 3\)"),
        ({}, np.full((3, 2), np.nan), r"allowed: \(Q, 2\) finite"),
        ({"space": "rgb"}, CENTERS, "'rgb'.*lab, yuv"),
    ],
)
def test_a_quantizer_that_does_not_fit_is_refused(
    meta: dict[str, Any], centers: np.ndarray, words: str
) -> None:
    with pytest.raises(HuescapeError, match=words):
        build_system(toy_params(), {**QUANTIZER, **meta}, centers, PRIOR)


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (np.ones(4), r"the prior has shape \(4,\) and sum 4; allowed: \(3,\)"),
        (np.ones((3, 1)), r"the prior has shape \(3, 1\)"),
        (np.zeros(3), "sum 0; .* not all of them 0"),
        (np.array([1.0, 1.0, -0.5]), "a number from 0"),
        (np.array([1.0, np.nan, 1.0]), "sum nan"),
        (np.array([1.0, np.inf, 1.0]), "sum inf"),
    ],
)
def test_a_prior_that_does_not_fit_is_refused(prior: np.ndarray, words: str) -> None:
    with pytest.raises(HuescapeError, match=words):
        build_system(toy_params(), QUANTIZER, CENTERS, prior)


def test_a_prior_sums_to_one() -> None:
    system = build_system(toy_params(), QUANTIZER, CENTERS, np.array([8, 4, 4]))
    np.testing.assert_array_equal(system.prior, PRIOR)


def test_an_unknown_network_is_a_wrong_parameter() -> None:
    with pytest.raises(ParamsError, match=r"network\.name is 'resnet'"):
        toy_system(network={"name": "resnet"})


def test_damaged_models_are_one_line_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"system\.json: no such file; `dvc repro train@"):
        load_system(tmp_path)
    save_system(tmp_path, toy_system(), {}, "")
    path = tmp_path / WEIGHTS
    weights, text = path.read_bytes(), (tmp_path / "system.json").read_text()
    for content in (weights[: len(weights) // 2], b"", b"junk"):
        path.write_bytes(content)
        with pytest.raises(HuescapeError, match=r"safetensors: damaged: .*`dvc repro -s -f train@"):
            load_system(tmp_path)
        reseal(path)
        with pytest.raises(HuescapeError, match=r"not the weights that system\.json names"):
            load_system(tmp_path)
    path.unlink()
    with pytest.raises(HuescapeError, match=r"weights\.safetensors: no such file"):
        load_system(tmp_path)
    for bad, words in [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "version is None; allowed: 3"),
        (
            text.replace('"version": 3', '"version": 4'),
            "made by a newer huescape: version 4; this one reads 3",
        ),
        (text.replace('"params"', '"parms"'), "is not a system"),
        (text.replace('"seed"', '"sed"'), "is not a system"),
        (text.replace('"prior": [\n  0.5,', '"prior": [\n'), "the prior has shape (2,)"),
        (text.replace('"prior": [\n  0.5,', '"prior": [\n  -0.5,'), "a number from 0 for each"),
        (text.replace('"prior"', '"first"'), "is not a system"),
    ]:
        (tmp_path / "system.json").write_text(bad)
        with pytest.raises(HuescapeError, match=r"system\.json: damaged"):
            load_system(tmp_path)
        reseal(tmp_path / "system.json")
        with pytest.raises(HuescapeError, match=re.escape(words)):
            load_system(tmp_path)


def test_a_weight_that_is_another_number_is_seen(tmp_path: Path) -> None:
    """One bit of an exponent makes 8e35 of a weight, which loads without complaint."""
    save_system(tmp_path, toy_system(), {}, "")
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[-1] ^= 0x40
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(HuescapeError, match="damaged: its SHA-256"):
        load_system(tmp_path)


def test_weights_of_an_older_version_are_named_as_such(tmp_path: Path) -> None:
    torch.save(toy_system().network.state_dict(), tmp_path / "weights.pt")
    (tmp_path / "system.json").write_text('{"version": 1}')
    with pytest.raises(HuescapeError, match=r"\.pt: weights of an older version.*`dvc repro"):
        load_system(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_system(tmp_path / "a", toy_system(), {}, "")
    other = toy_system(network={"name": "colorunet", "width": 4})
    save_system(tmp_path / "b", other, {}, "")
    (tmp_path / "a" / WEIGHTS).write_bytes((tmp_path / "b" / WEIGHTS).read_bytes())
    with pytest.raises(HuescapeError, match=r"weights\.safetensors: damaged"):
        load_system(tmp_path / "a")
    described = (tmp_path / "b" / "system.json").read_text()
    (tmp_path / "a" / "system.json").write_text(described.replace('"width": 4', '"width": 2'))
    seal(tmp_path / "a")
    with pytest.raises(HuescapeError, match=r"weights\.safetensors: of another network"):
        load_system(tmp_path / "a")
