"""What a served model takes and gives, and how it refuses."""

from __future__ import annotations

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.exceptions import MlflowException
from PIL import Image

from huescape import cli
from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.spaces import rgb_to_yuv
from huescape.coloring.painting import colorize
from huescape.params.decodings import Decoding
from huescape.systems.system import System, load_system, save_system
from huescape.tracking.served_model import ServedSystem, _load_pyfunc
from tests.coloring.files import deep_png, encoded, stored_as
from tests.coloring.systems import make_system, picture
from tests.evaluation.conftest import write_regression

PHOTO = picture(40, 64)
PARAMS = ("method", "temperature", "tau", "size", "strength", "edges")
USUAL = Decoding(method="median", tau=0.4)


@pytest.fixture(scope="module")
def system() -> System:
    """One that is not gray: where it sees nothing, it thinks of some bins rather than others."""
    system = make_system("yuv")
    with torch.no_grad():
        last = list(system.network.parameters())[-1]
        last += torch.linspace(0, 2, len(last))
    return system


@pytest.fixture(scope="module")
def colorizer(system: System) -> ServedSystem:
    return ServedSystem(system, "toy", USUAL)


def as_file(rgb: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    return encoded(rgb, kind, **options)


def text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def opened(text: str) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert image.format == "PNG"
    return np.asarray(image)


def ask(colorizer: ServedSystem, *cells: object, **params: object) -> list[Any]:
    return list(colorizer.predict(pd.DataFrame({"image": list(cells)}), params or None)["image"])


def test_files_of_many_kinds_become_png_of_their_size(
    colorizer: ServedSystem, system: System
) -> None:
    png, jpeg = as_file(PHOTO), as_file(PHOTO, "JPEG", quality=90)
    wrapped = base64.encodebytes(png).decode()  # as `base64` breaks lines
    url = f"data:image/png;base64,{text_of(png)}"
    expected = colorize(system, PHOTO, USUAL, as_print=True)
    for cell in (text_of(png), png, wrapped, url, text_of(as_file(PHOTO, "TIFF"))):
        assert np.array_equal(opened(ask(colorizer, cell)[0]), expected)
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert np.array_equal(
        opened(ask(colorizer, jpeg)[0]), colorize(system, pixels, USUAL, as_print=True)
    )


def test_a_result_is_the_file_that_the_command_writes(
    colorizer: ServedSystem, tmp_path: Path, system: System
) -> None:
    """Byte for byte: depth, transparency, metadata, turned upright."""
    save_system(tmp_path / "toy", system, {}, "step,loss\n")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a lake"
    deep = (PHOTO.astype(np.uint16) << 8) + 17
    clear = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 128, np.uint8)])
    photos = {
        "deep.png": deep_png(deep),
        "clear.png": encoded(clear, "PNG"),
        "turned.jpg": encoded(stored_as(PHOTO, 6), "JPEG", exif=exif.tobytes()),
    }
    for name, content in photos.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in photos]
    options = ["--system", str(tmp_path / "toy"), "--method", "median", "--tau", "0.4"]
    cli.main(["colorize", *paths, "-o", str(tmp_path / "out"), "--format", "png", *options])
    for name, found in zip(photos, ask(colorizer, *photos.values()), strict=True):
        written = (tmp_path / "out" / name).with_suffix(".png").read_bytes()
        assert base64.b64decode(found) == written, name


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_come_back_as_arrays(colorizer: ServedSystem, system: System, dtype: Any) -> None:
    photos = [PHOTO.astype(dtype) * (1 if dtype is np.uint8 else 257), picture(9, 5)[..., 0]]
    found = ask(colorizer, *photos)
    assert found[0].dtype == dtype
    for photo, colored in zip(photos, found, strict=True):
        assert np.array_equal(colored, colorize(system, photo, USUAL, as_print=True))


def test_a_stack_of_photos_goes_in_row_by_row(colorizer: ServedSystem) -> None:
    photos_NHW3 = np.stack([PHOTO, 255 - PHOTO])
    found = ask(colorizer, *photos_NHW3)
    assert np.stack(found).shape == photos_NHW3.shape
    assert np.array_equal(found[1], ask(colorizer, 255 - PHOTO)[0])


def test_the_index_of_the_rows_stays(colorizer: ServedSystem) -> None:
    rows = pd.DataFrame({"image": [PHOTO, PHOTO]}, index=["b", "a"])
    assert list(colorizer.predict(rows).index) == ["b", "a"]
    assert list(colorizer.predict(rows[:0])["image"]) == []


def test_the_lightness_is_kept(colorizer: ServedSystem) -> None:
    found = opened(ask(colorizer, as_file(PHOTO), strength=2.0)[0])
    change_HW = rgb_to_yuv(found)[..., 0] - rgb_to_yuv(PHOTO)[..., 0]
    assert np.abs(change_HW).max() < 0.01  # rounding to 8 bits


@pytest.mark.parametrize(
    ("params", "decoding", "options"),
    [
        ({}, USUAL, {}),
        (dict.fromkeys(PARAMS), USUAL, {}),
        ({"tau": 0.0}, Decoding(method="median"), {}),
        ({"temperature": 0.2}, Decoding(method="median", tau=0.4, temperature=0.2), {}),
        ({"method": "annealed"}, Decoding(), {}),
        ({"method": "mode", "tau": 1}, Decoding(method="mode", tau=1.0), {}),
        ({"size": 16, "strength": 0.5}, USUAL, {"size": 16, "strength": 0.5}),
        ({"strength": 0}, USUAL, {"strength": 0.0}),
        ({"edges": False}, USUAL, {"edges": False}),
    ],
)
def test_parameters_are_those_of_the_command(
    colorizer: ServedSystem,
    system: System,
    params: dict[str, Any],
    decoding: Decoding,
    options: dict[str, Any],
) -> None:
    [found] = ask(colorizer, PHOTO, **params)
    assert np.array_equal(found, colorize(system, PHOTO, decoding, as_print=True, **options))


def test_parameters_change_the_picture(colorizer: ServedSystem) -> None:
    [usual], [plain] = ask(colorizer, PHOTO), ask(colorizer, PHOTO, edges=False)
    assert (plain != usual).any()
    for params in ({"temperature": 0.05}, {"method": "mode"}, {"size": 16}, {"strength": 0.3}):
        assert (ask(colorizer, PHOTO, edges=False, **params)[0] != plain).any(), params


BAD_CELLS = {
    "no base64": ("hello!", "is no base64"),
    "no photo": (text_of(b"hello, world"), "is not a photo, or damaged: "),
    "cut off": (text_of(as_file(PHOTO, "JPEG")[:300]), "is not a photo, or damaged: "),
    "empty": ("", "is empty; allowed: base64 of a photo's file"),
    "null": (None, "is NoneType; allowed: base64 of a photo's file"),
    "a number": (5, "is int; allowed: base64 of a photo's file"),
    "floats": (np.zeros((4, 4, 3)), "dtype float64 and shape"),
    "four channels": (np.zeros((4, 4, 4), np.uint8), "shape \\(4, 4, 4\\)"),
    "no pixel": (np.zeros((0, 4), np.uint8), "shape \\(0, 4"),
}


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_row_that_is_no_photo_is_one_line_with_its_number(
    colorizer: ServedSystem, name: str
) -> None:
    cell, words = BAD_CELLS[name]
    with pytest.raises(MlflowException, match=f"^row 1: .*{words}") as caught:
        ask(colorizer, as_file(PHOTO), cell)
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.get_http_status_code() == 400
    assert len(ask(colorizer, as_file(PHOTO))) == 1, "the next one is answered"


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"tau": 2.0}, "tau is 2; allowed: 0 to 1"),
        ({"tau": float("nan")}, "tau is nan; allowed: 0 to 1"),
        ({"temperature": 0.0}, "temperature is 0; allowed: above 0, at most 1"),
        ({"method": "best"}, "method is 'best'; allowed: annealed, median, mode, diffuse"),
        ({"size": 7}, "size is 7; allowed: at least 8 pixels"),
        ({"size": 0}, "size is 0; allowed: at least 8 pixels"),
        ({"size": 5000}, "size is 5000; allowed: at most 1024 pixels"),
        ({"strength": -1.0}, "strength is -1; allowed: 0 to 3"),
        ({"strength": float("inf")}, "strength is inf; allowed: 0 to 3"),
    ],
)
def test_a_parameter_out_of_range_is_one_line(
    colorizer: ServedSystem, params: dict[str, Any], line: str
) -> None:
    with pytest.raises(MlflowException) as caught:
        ask(colorizer, PHOTO, **params)
    assert caught.value.message == line
    assert caught.value.get_http_status_code() == 400


def test_a_regression_has_no_decoding_to_choose(tmp_path: Path) -> None:
    write_regression(tmp_path / "deep", "lab", {"name": "zhang2016", "width": 1})
    colorizer = _load_pyfunc(str(tmp_path / "deep"))
    assert ask(colorizer, PHOTO, strength=0.5)[0].shape == PHOTO.shape
    with pytest.raises(MlflowException, match=r"^tau: 'deep' is a regression"):
        ask(colorizer, PHOTO, tau=0.3)


def test_many_threads_get_what_one_gets(colorizer: ServedSystem) -> None:
    photos = [picture(20 + n, 30) for n in range(12)]
    alone = [ask(colorizer, as_file(photo))[0] for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda photo: ask(colorizer, as_file(photo))[0], photos))
    assert together == alone


def test_a_folder_is_loaded_with_its_decoding(tmp_path: Path, system: System) -> None:
    save_system(tmp_path / "toy", system, {}, "step,loss\n")
    config = {"method": "median", "tau": 0.4, "temperature": 1.0}
    found = ask(_load_pyfunc(str(tmp_path / "toy"), config), PHOTO)[0]
    assert np.array_equal(found, colorize(load_system(tmp_path / "toy"), PHOTO, USUAL))
    with pytest.raises(ParamsError, match="tau is 3"):
        _load_pyfunc(str(tmp_path / "toy"), {"tau": 3})
    description = json.loads((tmp_path / "toy/system.json").read_text())
    (tmp_path / "toy/system.json").write_text(json.dumps(description) + " ")
    with pytest.raises(HuescapeError, match="damaged"):
        _load_pyfunc(str(tmp_path / "toy"), config)
