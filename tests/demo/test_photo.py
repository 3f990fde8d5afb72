"""A photo seen once and painted often: the same pixels as a run of everything gives."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.cli import main
from huescape.coloring.painting import colorize
from huescape.coloring.prediction import shrunk
from huescape.coloring.strokes import Hint
from huescape.demo.photo import Look, SeenPhoto, encoded, quick
from huescape.params.decodings import Decoding
from huescape.serving.refusals import Refusal
from huescape.systems.system import save_system
from tests.coloring.icc import gamma_curve, rgb_profile
from tests.demo.running import bomb, file_of, scene, tiny_model

SYSTEM = tiny_model().system
LOOKS = [
    Look(Decoding()),
    Look(Decoding(method="median", tau=0.4)),
    Look(Decoding(method="median", tau=0.4), 0.3),
    Look(Decoding(method="median", tau=0.4), 1.7),
    Look(Decoding(method="mode", tau=1.0)),
    Look(Decoding(temperature=0.05)),
]
DIFFUSED = [Look(Decoding(method="diffuse"), strength) for strength in (1.0, 0.3)]


def seen(data: bytes, preview: int = 1024, pixels: int = 10**6) -> SeenPhoto:
    return SeenPhoto(SYSTEM, data, pixels, preview)


def whole_run(rgb_HW3: np.ndarray, look: Look) -> np.ndarray:
    return colorize(SYSTEM, rgb_HW3, look.decoding, strength=look.strength, as_print=True)


def test_every_look_is_that_of_a_whole_run_in_any_order() -> None:
    rgb_HW3 = scene(120, 80)
    photo = seen(file_of(rgb_HW3))
    for look in [*LOOKS, *reversed(LOOKS), *DIFFUSED]:
        expected_HW3 = whole_run(rgb_HW3, look)
        assert (photo.full(look) == expected_HW3).all()
        assert (photo.preview(look) == expected_HW3).all()


FRAMED = np.pad(scene(160, 120), ((16, 16), (16, 16), (0, 0)), constant_values=250)
FADED = (60 + scene().mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.5).astype(np.uint8)
TURNED = Image.Exif()
TURNED[0x0112] = 6


@pytest.mark.parametrize(
    "data",
    [
        file_of(scene()),
        file_of(scene(400, 300)),  # shown to the network smaller than it is
        file_of(scene(), icc_profile=rgb_profile(gamma_curve(2.2))),  # of Adobe RGB
        file_of(scene()[..., 0]),
        file_of(scene(), "JPEG", exif=TURNED, quality=95),
        file_of(FRAMED),
        file_of(FADED),
    ],
    ids=["plain", "large", "profile", "gray", "turned", "framed", "faded"],
)
def test_a_download_has_the_pixels_of_the_command(data: bytes, tmp_path: Path) -> None:
    save_system(tmp_path / "tiny", SYSTEM, {}, "step,loss\n")
    (tmp_path / "photo").write_bytes(data)
    look = Look(Decoding(method="median", tau=0.4), 1.5)
    how = ["--method", "median", "--tau", "0.4", "--strength", "1.5", "--format", "png"]
    place = ["-o", str(tmp_path / "out"), "--system", str(tmp_path / "tiny")]
    assert main(["colorize", str(tmp_path / "photo"), *place, *how]) == 0
    expected_HW3 = np.asarray(Image.open(tmp_path / "out/photo.png"))
    assert (seen(data).full(look) == expected_HW3).all()


HINTS = ["--hint", "20,30,#d02020", "--hint", "60,50,#2060d0"]
HINTED = (Hint(20, 30, (208, 32, 32)), Hint(60, 50, (32, 96, 208)))


@pytest.mark.parametrize(
    ("data", "preview"),
    [(file_of(scene(400, 300)), 200), (file_of(FRAMED), 1024), (file_of(FADED), 1024)],
    ids=["large", "framed", "faded"],
)
def test_hints_are_those_of_the_command(data: bytes, preview: int, tmp_path: Path) -> None:
    save_system(tmp_path / "tiny", SYSTEM, {}, "step,loss\n")
    (tmp_path / "photo").write_bytes(data)
    how = ["--method", "median", "--tau", "0.4", "--strength", "0.5", "--format", "png", *HINTS]
    place = ["-o", str(tmp_path / "out"), "--system", str(tmp_path / "tiny")]
    assert main(["colorize", str(tmp_path / "photo"), *place, *how]) == 0
    expected_HW3 = np.asarray(Image.open(tmp_path / "out/photo.png"))
    photo = seen(data, preview)
    plain = Look(Decoding(method="median", tau=0.4), 0.5)
    look = replace(plain, hints=HINTED)
    assert (photo.full(plain) != expected_HW3).any()
    assert (photo.full(look) == expected_HW3).all()
    # The preview has the same hints at the same places, painted on its own pixels.
    small_HW3 = shrunk(expected_HW3, preview).astype(int)
    assert np.abs(photo.preview(look) - small_HW3).mean() < 2


def test_hints_do_not_outlast_their_look() -> None:
    photo = seen(file_of(scene()))
    look = Look(Decoding(method="median", tau=0.4))
    without_HW3 = photo.full(look)
    looks = [replace(look, hints=HINTED[:count]) for count in (1, 2)]
    found = [photo.full(one).tobytes() for one in [*looks, *looks]]
    assert found[:2] == found[2:]
    assert len({*found, without_HW3.tobytes()}) == 3
    assert (photo.full(look) == without_HW3).all()


def test_a_hint_on_the_border_of_a_print_is_refused() -> None:
    photo = seen(file_of(FRAMED))
    with pytest.raises(Refusal, match=r"hint at 2,2 lies on the border of the print") as caught:
        photo.preview(Look(Decoding(), 1.0, (Hint(2, 2, (200, 0, 0)),)))
    assert caught.value.status == 422


def test_looks_differ() -> None:
    photo = seen(file_of(scene()))
    assert len({photo.full(look).tobytes() for look in LOOKS}) == len(LOOKS)


def test_the_network_runs_once() -> None:
    runs = []
    handle = SYSTEM.network.register_forward_hook(lambda *_: runs.append(1))
    photo = seen(file_of(scene()))
    for look in [*LOOKS, Look(Decoding(), 1.0, HINTED)]:
        photo.preview(look)
        photo.full(look)
    handle.remove()
    assert runs == [1]


def test_the_preview_is_the_photo_shrunk() -> None:
    rgb_HW3 = scene(300, 200)
    photo = seen(file_of(rgb_HW3), preview=150)
    assert photo.size == (300, 200)
    assert (photo.preview_HW3 == shrunk(rgb_HW3, 150)).all()
    assert photo.preview(LOOKS[0]).shape == (100, 150, 3)
    assert photo.full(LOOKS[0]).shape == (200, 300, 3)


def test_no_strength_is_gray() -> None:
    gray_HW3 = seen(file_of(scene())).full(Look(Decoding(), 0.0)).astype(int)
    assert np.ptp(gray_HW3, axis=2).max() <= 1


def test_a_turned_photo_is_seen_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = seen(file_of(scene(90, 60), "JPEG", exif=exif))
    assert photo.size == (60, 90)
    assert photo.full(LOOKS[0]).shape == (90, 60, 3)


def test_files_have_the_pixels() -> None:
    rgb_HW3 = scene(200, 100)
    assert (np.asarray(Image.open(io.BytesIO(encoded(rgb_HW3, "png")))) == rgb_HW3).all()
    for data, close in ((encoded(rgb_HW3, "jpeg"), 2), (quick(rgb_HW3), 4)):
        image = Image.open(io.BytesIO(data))
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image).astype(int) - rgb_HW3).mean() < close


def test_what_a_jpeg_cannot_hold_is_refused() -> None:
    wide_HW3 = np.zeros((1, 70_000, 3), np.uint8)
    with pytest.raises(Refusal, match="at most 65,500 pixels a side; download a PNG") as caught:
        encoded(wide_HW3, "jpeg")
    assert caught.value.status == 422
    assert Image.open(io.BytesIO(encoded(wide_HW3, "png"))).size == (70_000, 1)


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 400, "the file is not a photo, or damaged: the file is empty"),
        (b"hello", 400, "the file is not a photo, or damaged: not an image"),
        (file_of(scene(), "JPEG")[:-900], 400, "the file is not a photo, or damaged: "),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not read: an SVG drawing"),
        (b"%PDF-1.7\n", 415, "this kind of file is not read: a PDF document"),
        (bomb(), 413, "the photo is too large: 900,000,000 pixels; the limit is 1,000,000 pixels"),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, status: int, words: str) -> None:
    with pytest.raises(Refusal, match=words) as caught:
        seen(data)
    assert caught.value.status == status
