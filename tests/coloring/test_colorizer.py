"""The library: what goes in comes out colored, as it came, with the colors of `colorize`."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import huescape
from huescape import Colorizer
from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring.painting import colorize
from huescape.params.decodings import Decoding
from huescape.systems.system import System, save_system
from tests.coloring.systems import make_system, picture
from tests.coloring.test_export import write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def system() -> System:
    made = make_system("lab", reach=1.0)
    rising = np.linspace(0, 1, len(made.centers)) ** 4
    return replace(made, prior=rising / rising.sum())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    folder = tmp_path_factory.mktemp("models") / "toy"
    save_system(folder, system, {}, "step,loss\n")
    return folder


@pytest.fixture(scope="module")
def colorizer(model: Path) -> Colorizer:
    return Colorizer.load(model)


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Colorizer:
    folder = tmp_path_factory.mktemp("models") / "flat"
    return Colorizer.load(write(folder, "zhang2016_l2", "lab_chroma4", "lab"))


def as_command(*arguments: Any, **how: Any) -> Any:
    """As `huescape colorize` colors: looking for frames and fading of old prints."""
    return colorize(*arguments, as_print=True, **how)


RGB = picture(41, 30)
GRAY = RGB[..., 0]


def test_an_array_gets_the_colors_of_colorize(colorizer: Colorizer, system: System) -> None:
    assert (colorizer(RGB) == as_command(system, RGB)).all()
    assert (colorizer(RGB) != RGB).mean() > 0.3
    for array in (GRAY, GRAY[..., None]):
        assert (colorizer(array) == as_command(system, GRAY)).all()


def test_every_choice_reaches_the_colors(colorizer: Colorizer, system: System) -> None:
    decoding = Decoding(method="annealed", tau=0.3, temperature=0.02)
    said: dict[str, Any] = {"tau": 0.3, "temperature": 0.02, "strength": 0.5, "size": 16}
    said["edges"] = False
    found = colorizer(RGB, **said)
    assert (found == as_command(system, RGB, decoding, 16, strength=0.5, edges=False)).all()
    for left_out in said:
        rest = {key: value for key, value in said.items() if key != left_out}
        assert (colorizer(RGB, **rest) != found).any(), left_out
    median = Decoding(method="median")
    assert (colorizer(RGB, method="median") == as_command(system, RGB, median)).all()


def test_the_frame_of_a_print_gets_no_color(colorizer: Colorizer, system: System) -> None:
    framed = np.full((240, 200, 3), 240, np.uint8)
    framed[30:-30, 30:-30] = picture(180, 140)
    found = colorizer(framed)
    assert (np.ptp(found[:20].astype(int), axis=-1) == 0).all()
    assert (found == as_command(system, framed)).all()
    assert (colorizer(framed, as_print=False) == colorize(system, framed)).all()
    assert (colorizer(framed, as_print=False) != found).any()
    seen = colorizer.predict(framed, as_print=False)
    assert (seen.colorize() == colorize(system, framed)).all()


def test_sixteen_bits_stay_sixteen_bits(colorizer: Colorizer, system: System) -> None:
    fine = RGB.astype(np.uint16) * 257 + 19
    found = colorizer(fine)
    assert found.dtype == np.uint16
    assert (found == as_command(system, fine)).all()
    assert (colorizer(fine.astype(">u2")) == found).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_its_pictures(colorizer: Colorizer, channels: int) -> None:
    batch = np.stack([RGB, RGB[::-1]])[..., :channels]
    found = colorizer(batch)
    assert (found == np.stack([colorizer(one) for one in batch])).all()
    tensor = torch.from_numpy(batch).permute(0, 3, 1, 2)
    assert torch.equal(colorizer(tensor).permute(0, 2, 3, 1), torch.from_numpy(found))


def test_alpha_that_is_multiplied_in_is_divided_out(colorizer: Colorizer) -> None:
    gray = Image.fromarray(RGB).convert("LA")
    gray.putalpha(128)
    for image, multiplied in ((gray, "La"), (gray.convert("RGBA"), "RGBa")):
        found, plain = colorizer(image.convert(multiplied)), colorizer(image)
        assert found.mode == "RGBA"
        away = np.asarray(found).astype(int) - np.asarray(plain)
        assert np.abs(away).mean() < 2


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "YCbCr", "HSV"])
def test_an_image_becomes_rgb(colorizer: Colorizer, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    found = colorizer(image)
    assert (found.mode, found.size) == ("RGB", image.size)
    assert (np.asarray(found) == colorizer(np.asarray(image.convert("RGB")))).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_an_image_keeps_its_alpha(colorizer: Colorizer, mode: str) -> None:
    alpha = Image.fromarray(np.arange(RGB[..., 0].size, dtype=np.uint8).reshape(RGB.shape[:2]))
    image = Image.fromarray(RGB).convert(mode)
    image.putalpha(alpha)
    found = colorizer(image)
    assert found.mode == "RGBA"
    assert (np.asarray(found.getchannel("A")) == np.asarray(alpha)).all()
    below = np.asarray(image.convert("RGBA"))[..., :3]
    assert (np.asarray(found)[..., :3] == colorizer(below)).all()


def test_a_transparent_color_is_alpha(colorizer: Colorizer) -> None:
    image = Image.fromarray(RGB).convert("P")
    image.info["transparency"] = image.getpixel((3, 3))
    found = colorizer(image)
    assert found.mode == "RGBA"
    assert found.getpixel((3, 3))[3] == 0


def test_gray_of_sixteen_bits_is_rounded(colorizer: Colorizer) -> None:
    image = Image.fromarray(GRAY.astype(np.uint16) * 257 + 20)
    assert image.mode == "I;16"
    assert (np.asarray(colorizer(image)) == colorizer(GRAY)).all()


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_floats_of_torch(colorizer: Colorizer, kind: torch.dtype) -> None:
    tensor = (torch.from_numpy(RGB).permute(2, 0, 1) / 255).to(kind).requires_grad_()
    found = colorizer(tensor)
    assert (found.dtype, found.shape, found.requires_grad) == (kind, tensor.shape, False)
    levels = (tensor.detach().double() * 65535).round().permute(1, 2, 0).numpy().astype(np.uint16)
    expected = torch.from_numpy(colorizer(levels) / 65535).permute(2, 0, 1)
    assert torch.equal(found, expected.to(kind))


def test_a_gray_tensor_of_levels(colorizer: Colorizer) -> None:
    found = colorizer(torch.from_numpy(GRAY)[None])
    assert found.dtype == torch.uint8
    assert (found.permute(1, 2, 0).numpy() == colorizer(GRAY)).all()


def test_what_goes_in_is_not_written_to(colorizer: Colorizer) -> None:
    array, tensor = RGB.copy(), torch.from_numpy(RGB.copy()).permute(2, 0, 1)
    array.flags.writeable = False
    assert not np.shares_memory(colorizer(array), array)
    colorizer(tensor)
    assert torch.equal(tensor, torch.from_numpy(RGB).permute(2, 0, 1))
    assert (colorizer(array[::-1, ::2]) == colorizer(np.ascontiguousarray(array[::-1, ::2]))).all()


def test_a_list_of_any_of_these(colorizer: Colorizer) -> None:
    tensor = torch.from_numpy(RGB).permute(2, 0, 1)
    image, array, again, both = colorizer([Image.fromarray(RGB), RGB, tensor, (RGB, GRAY)])
    assert (np.asarray(image) == array).all()
    assert (again.permute(1, 2, 0).numpy() == array).all()
    assert (both[0] == array).all()
    assert colorizer([]) == []


def test_a_prediction_is_decoded_again_without_the_network(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = Colorizer.load(model)
    seen = colorizer.predict(Image.fromarray(RGB))
    expected = {tau: np.asarray(colorizer(RGB, tau=tau, edges=True)) for tau in (0.0, 0.5)}
    network = seen.prediction.system.network
    monkeypatch.setattr(network, "forward", None)  # whoever calls it fails
    for tau, colored in expected.items():
        found = seen.colorize(tau=tau, edges=True)
        assert isinstance(found, Image.Image)
        assert (np.asarray(found) == colored).all()
    assert (seen.distribution().sum(axis=0) > 0.999).all()


def test_the_distribution_is_the_network_s(colorizer: Colorizer, system: System) -> None:
    found_Qhw = colorizer.distribution(RGB, as_print=False)
    assert (found_Qhw.shape, found_Qhw.dtype) == ((313, 41, 30), np.float32)  # stride 1
    lightness = torch.from_numpy(system.space.from_rgb(RGB)[..., 0].copy())[None, None]
    with torch.no_grad():
        padded = torch.nn.functional.pad((lightness - 50) / 100, (0, 2, 0, 7), mode="reflect")
        logits = system.network.eval()(padded)[0, :, :41, :30].double()
    expected = (logits - logits.logsumexp(dim=0)).exp().numpy()
    np.testing.assert_allclose(found_Qhw, expected, rtol=1e-3, atol=1e-6)
    assert (colorizer.centers == system.centers).all()
    assert colorizer.space == "lab"
    mean = np.einsum("qhw,qc->hwc", found_Qhw.astype(np.float64), colorizer.centers)
    lab = system.space.from_rgb(colorizer(RGB, method="annealed", temperature=1.0))
    assert np.abs(lab[..., 1:] - mean).mean() < 1  # but for the gamut and rounding


def test_the_confidence_is_that_of_the_distribution(colorizer: Colorizer) -> None:
    p_Qhw = colorizer.distribution(RGB, size=24).astype(np.float64)
    top_hw, entropy_hw = colorizer.confidence(RGB, size=24)
    assert top_hw.shape == entropy_hw.shape == (24, 18)
    np.testing.assert_allclose(top_hw, p_Qhw.max(axis=0), rtol=1e-6)
    np.testing.assert_allclose(entropy_hw, -(p_Qhw * np.log2(p_Qhw)).sum(axis=0), rtol=1e-4)


def test_a_certain_distribution_has_no_entropy() -> None:
    system = make_system("lab")
    network = system.network
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.constant_(network.head.bias, -1e4)
    network.head.bias.data[7] = 1e4
    top_hw, entropy_hw = Colorizer(system).confidence(RGB)
    assert (top_hw == 1).all()
    assert (entropy_hw == 0).all()


def test_a_regression_colors_and_has_no_distribution(regression: Colorizer) -> None:
    assert regression(RGB).shape == RGB.shape
    words = "'flat' is a regression, which predicts colors and no distribution"
    for ask in (regression.distribution, regression.confidence):
        with pytest.raises(HuescapeError, match=words):
            ask(RGB)
    with pytest.raises(HuescapeError, match=words):
        _ = regression.centers
    with pytest.raises(ParamsError, match="tau: 'flat' is a regression"):
        regression(RGB, tau=0.4)
    assert "regression" in repr(regression)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("photo.jpg", "a picture is a str; allowed: a PIL image"),
        (None, "a picture is a NoneType"),
        (np.zeros((4, 4)), r"dtype float64 and shape \(4, 4\); allowed: \(H, W\), .*uint16"),
        (np.zeros((4, 4), np.int16), "dtype int16"),
        (np.zeros((4, 4), bool), "dtype bool"),
        (np.zeros((5, 4, 4), np.uint8), r"shape \(5, 4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((2, 4, 4, 2), np.uint8), r"shape \(4, 4, 2\)"),
        (np.zeros((1, 2, 4, 4, 3), np.uint8), r"shape \(1, 2, 4, 4, 3\)"),
        (np.zeros((0, 4, 4, 3), np.uint8), r"a batch of shape \(0, 4, 4, 3\) holds no picture"),
        (np.zeros((0, 4), np.uint8), r"shape \(0, 4\)"),
        (torch.zeros(4, 4), r"shape \(4, 4\); allowed: \(1 or 3, H, W\)"),
        (torch.zeros(4, 4, 3), r"shape \(4, 4, 3\)"),
        (torch.zeros(3, 4, 4, dtype=torch.int32), "dtype torch.int32"),
        (torch.full((3, 4, 4), 200.0), "floats spans 200 to 200; allowed: 0 to 1"),
        (torch.full((3, 4, 4), float("nan")), "floats spans nan to nan"),
        (Image.new("F", (4, 4)), "the image has mode F; allowed: RGB"),
        (Image.new("RGB", (0, 4)), r"the image has size \(0, 4\)"),
        ([RGB, 7], "a picture is a int"),
        (torch.zeros(3, 4, 4).to_sparse(), "a tensor has layout torch.sparse_coo; allowed: dense"),
        (torch.zeros(3, 4, 4, device="meta"), "a tensor has no data; allowed: dense"),
    ],
)
def test_what_is_no_picture_is_one_line(colorizer: Colorizer, image: Any, words: str) -> None:
    with pytest.raises(HuescapeError, match=words) as raised:
        colorizer(image)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"method": "best"}, "method is 'best'; allowed: annealed, median, mode"),
        ({"tau": 1.1}, "tau is 1.1; allowed: 0 to 1"),
        ({"tau": float("nan")}, "tau is nan"),
        ({"temperature": 0}, "temperature is 0; allowed: above 0, at most 1"),
        ({"strength": -0.1}, "strength is -0.1; allowed: 0 to 3"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"size": 7}, "size is 7; allowed: at least 8 pixels"),
        ({"tau": "0.3"}, "tau is '0.3'; allowed: 0 to 1"),
        ({"tau": True}, "tau is True; allowed: 0 to 1"),
        ({"tau": [1]}, r"tau is \[1\]; allowed: 0 to 1"),
        ({"temperature": "1"}, "temperature is '1'; allowed: above 0"),
        ({"strength": None}, "strength is None; allowed: 0 to 3"),
        ({"strength": "much"}, "strength is 'much'; allowed: 0 to 3"),
        ({"size": "64"}, "size is '64'; allowed: at least 8 pixels"),
        ({"size": 64.5}, "size is 64.5; allowed: at least 8 pixels"),
        ({"as_print": "no"}, "as_print is 'no'; allowed: True or False"),
        ({"edges": "no"}, "edges is 'no'; allowed: True or False"),
        ({"edges": np.zeros(2)}, r"edges is array\(\[0., 0.\]\); allowed: True or False"),
    ],
)
def test_an_argument_out_of_range_is_one_line(
    colorizer: Colorizer, how: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParamsError, match=f"^{words}"):
        colorizer([], **how)
    if not {"size", "as_print"} & how.keys():
        seen = colorizer.predict(RGB)
        with pytest.raises(ParamsError, match=f"^{words}"):
            seen.colorize(**how)


def test_numbers_of_numpy_are_numbers(colorizer: Colorizer) -> None:
    said = {"tau": np.float32(0.5), "strength": np.float64(0.5), "size": np.int64(16)}
    found = colorizer(RGB, **said, edges=np.bool_(True))
    assert (found == colorizer(RGB, tau=0.5, strength=0.5, size=16, edges=True)).all()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (5, "a model is 5; allowed: a name, or the path of a folder"),
        (b"landscape", "a model is b'landscape'; allowed: a name"),
        ("n" * 300, "no such model"),
        ("/" + "n" * 300, "no system.json there"),
        ("a\0b", "no such model"),
    ],
)
def test_a_model_that_is_none_is_one_line(model: Any, words: str) -> None:
    with pytest.raises(HuescapeError, match=words):
        Colorizer.load(model)


def test_a_truncated_file_is_one_line(colorizer: Colorizer, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(90, 90)).save(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(HuescapeError, match="the image cannot be read"):
        colorizer(Image.open(path))


def test_models_by_name_and_folder(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = Colorizer.load()
    assert repr(shipped) == "Colorizer(landscape, median tau=0.3, cpu)"
    assert repr(Colorizer.load("landscape")) == repr(shipped)
    assert repr(Colorizer.load(str(model))) == "Colorizer(toy, annealed T=0.38, cpu)"
    assert shipped.device == torch.device("cpu")
    with pytest.raises(HuescapeError, match=r"nope: no such model.*shipped: landscape"):
        Colorizer.load("nope")
    with pytest.raises(HuescapeError, match=r"no system\.json there"):
        Colorizer.load(tmp_path / "nope")
    with pytest.raises(ParamsError, match="device is 'fast'; allowed here: "):
        Colorizer.load(model, device="fast")
    found = np.asarray(shipped(picture(40, 64)))
    gray = np.asarray(shipped(picture(40, 64), strength=0))
    assert np.ptp(gray, axis=-1).max() <= 1
    assert (found != gray).any()


def test_threads_share_a_colorizer(colorizer: Colorizer) -> None:
    pictures = [picture(20 + k, 31) for k in range(12)]
    alone = [colorizer(one) for one in pictures]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(colorizer, pictures))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("command", ["import huescape", "import huescape.cli as c; c.main(['-h'])"])
def test_nothing_heavy_is_loaded_until_it_is_asked_for(command: str) -> None:
    code = f"""
import sys
try:
    {command}
except SystemExit:
    pass
assert not {{'torch', 'numpy', 'PIL', 'huescape.coloring'}} & set(sys.modules)
import huescape
assert 'Colorizer' in huescape.__all__
try:
    huescape.Nothing
except AttributeError as error:
    assert str(error) == "module 'huescape' has no attribute 'Nothing'"
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_name_is_the_class() -> None:
    from huescape.coloring import colorizer

    assert huescape.Colorizer is colorizer.Colorizer


@pytest.mark.long
def test_its_types_are_known(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "import numpy as np\nimport torch\nfrom PIL import Image\nfrom huescape import Colorizer\n"
        "color = Colorizer.load()\n"
        "image: Image.Image = color(Image.open('a.png'), tau=0.3)\n"
        "tensor: torch.Tensor = color(torch.zeros(3, 4, 4))\n"
        "both: list[Image.Image] = color([image, image])\n"
        "color(image, tua=0.3)\n"
        "color(image, strength='much')\n"
    )
    command = ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(file)]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if line.startswith(str(file.name))]
    wrong = [int(line.split(":")[1]) for line in errors if "error" in line]
    assert sorted(set(wrong)) == [9, 10], done.stdout
