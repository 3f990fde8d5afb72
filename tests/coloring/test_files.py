"""Coloring files: lightness is kept, no photo overwritten, and a bad one stops no other."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.bins import gamut_centers
from huescape.color.spaces import rgb_to_lab, rgb_to_yuv
from huescape.coloring.files import colorize_files, result_paths
from huescape.coloring.painting import colorize
from huescape.params.base import Named
from huescape.params.decodings import Decoding
from huescape.params.systems import SystemParams
from huescape.systems.system import System, build_system, save_system


def make_system(space: str, reach: float = 0.1) -> System:
    """A system with fresh weights; its bins are dull enough to stay in the gamut of mid tones."""
    yuv = np.stack(np.meshgrid([-reach, 0, reach], [-reach, 0, reach]), axis=-1).reshape(-1, 2)
    centers = gamut_centers() * 0.2 if space == "lab" else yuv
    params = SystemParams(
        preset="colorunet",
        quantizer="toy",
        network=Named.model_validate({"name": "colorunet", "width": 4}),
        loss=Named(name="cross_entropy"),
    )
    spec = {"name": "toy", "space": space, "encode": {}, "bins": len(centers)}
    return build_system(params, spec, centers, np.ones(len(centers)))


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("yuv")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_system(folder, system, {}, "step,loss\n")
    return folder


def picture(height: int, width: int) -> np.ndarray:
    """Waves of mid tones."""
    y, x = np.mgrid[:height, :width]
    waves = 128 + 40 * np.sin(x / 3 + y / 5)
    return np.stack([waves, waves + 9, waves - 9], axis=-1).astype(np.uint8)


def save(path: Path, rgb: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, **options)
    return path


@pytest.mark.parametrize("space", ["lab", "yuv"])
@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (1, 1), (3, 300), (517, 389)])
def test_any_size_keeps_its_lightness(space: str, shape: tuple[int, int]) -> None:
    rgb_HW3 = picture(*shape)
    found_HW3 = colorize(make_system(space), rgb_HW3, size=64)
    assert found_HW3.shape == rgb_HW3.shape
    assert found_HW3.dtype == np.uint8
    convert, unit = (rgb_to_lab, 100) if space == "lab" else (rgb_to_yuv, 1)
    change_HW = convert(found_HW3)[..., 0] - convert(rgb_HW3)[..., 0]
    assert np.abs(change_HW).max() < 0.01 * unit  # rounding to 8 bits


def test_only_the_lightness_is_seen(system: System) -> None:
    """A photo and its gray version (the same luma) get the same colors."""
    levels_HW = picture(40, 40)[..., 0]
    gray_HW3 = np.repeat(levels_HW[..., None], 3, axis=2)
    assert (colorize(system, levels_HW) == colorize(system, gray_HW3)).all()


def test_agrees_with_the_network_step_by_step(system: System) -> None:
    """A photo that need not be shrunk: logits, softmax at T, expectation, join, clip, round."""
    rgb_HW3 = picture(48, 64)
    luma_HW = rgb_to_yuv(rgb_HW3 / 255.0)[..., 0]
    with torch.no_grad():
        input_11HW = torch.tensor(luma_HW - 0.5, dtype=torch.float32)[None, None]
        logits_QHW = system.network.eval()(input_11HW)[0].double().numpy()
    weight_QHW = np.exp(logits_QHW / 0.3 - (logits_QHW / 0.3).max(axis=0))
    u_HW, v_HW = np.einsum("qhw,qc->chw", weight_QHW / weight_QHW.sum(axis=0), system.centers)
    red_HW, blue_HW = luma_HW + v_HW * 0.701 / 0.615, luma_HW + u_HW * 0.886 / 0.436
    green_HW = (luma_HW - 0.299 * red_HW - 0.114 * blue_HW) / 0.587
    expected_HW3 = np.clip(np.stack([red_HW, green_HW, blue_HW], axis=-1), 0, 1) * 255
    found_HW3 = colorize(system, rgb_HW3, Decoding(temperature=0.3))
    assert np.abs(found_HW3 - expected_HW3).max() < 0.51


def test_temperature_and_size_matter(system: System) -> None:
    rgb_HW3 = picture(96, 96)
    base = colorize(system, rgb_HW3, Decoding(temperature=1.0), size=96)
    assert (colorize(system, rgb_HW3, Decoding(temperature=0.01), size=96) != base).any()
    assert (colorize(system, rgb_HW3, Decoding(temperature=1.0), size=32) != base).any()


def test_strips_leave_no_seams(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = colorize(system, picture(90, 70), size=48)
    monkeypatch.setattr("huescape.coloring.painting._STRIP_PIXELS", 70 * 7)
    assert (colorize(system, picture(90, 70), size=48) == whole).all()


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4),
    ],
)
def test_other_arrays_are_refused(system: System, photo: np.ndarray) -> None:
    with pytest.raises(HuescapeError, match="allowed: uint8"):
        colorize(system, photo)


def test_a_size_out_of_range(system: System, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="--size is 7; allowed: at least 8"):
        colorize(system, picture(8, 8), size=7)
    with pytest.raises(ParamsError, match="--size is 7; allowed: at least 8"):
        colorize_files(model, [tmp_path / "a.png"], tmp_path / "out", size=7)
    assert not (tmp_path / "out").exists()


def test_files_keep_their_names_and_formats(model: Path, tmp_path: Path) -> None:
    names = ("a.jpg", "b.JPEG", "c.png", "d.bmp", "e.tif")
    photos = [save(tmp_path / "in" / name, picture(20, 30)) for name in names]
    colorize_files(model, photos, tmp_path / "out")
    found = {p.name: Image.open(p).format for p in sorted((tmp_path / "out").iterdir())}
    wanted = {"a.jpg": "JPEG", "b.jpeg": "JPEG", "c.png": "PNG", "d.png": "PNG", "e.png": "PNG"}
    assert found == wanted
    assert all(Image.open(tmp_path / "out" / name).size == (30, 20) for name in wanted)


def test_a_jpeg_is_of_high_quality(model: Path, tmp_path: Path, system: System) -> None:
    photo = save(tmp_path / "a.jpg", picture(64, 64), quality=100)
    colorize_files(model, [photo], tmp_path / "out")
    exact = colorize(system, np.asarray(Image.open(photo).convert("RGB")))
    written = np.asarray(Image.open(tmp_path / "out/a.jpg")).astype(int)
    assert np.abs(written - exact).mean() < 2


def test_equal_names_are_numbered(model: Path, tmp_path: Path) -> None:
    photos = [save(tmp_path / x / name, picture(9, 9)) for x in "ab" for name in ("p.png", "P.PNG")]
    photos.append(save(tmp_path / "a/p.bmp", picture(9, 9)))
    colorize_files(model, photos, tmp_path / "out")
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == sorted(["p.png", "P-2.png", "p-3.png", "P-4.png", "p-5.png"])


def test_no_photo_is_overwritten(model: Path, tmp_path: Path) -> None:
    photos = [save(tmp_path / name, picture(9, 9)) for name in ("p.png", "p-2.png", "q.jpg")]
    before = [p.read_bytes() for p in photos]
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    written = colorize_files(model, photos, link)
    assert [path.name for path in written] == ["p-3.png", "p-2-2.png", "q-2.jpg"]
    assert [p.read_bytes() for p in photos] == before
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"p.png", "p-2.png", "q.jpg", "link", "p-3.png", "p-2-2.png", "q-2.jpg"}


def test_results_that_exist_are_refused_before_the_first_photo(model: Path, tmp_path: Path) -> None:
    photos = [save(tmp_path / "in" / name, picture(9, 9)) for name in ("a.png", "b.png", "c.png")]
    out = tmp_path / "out"
    out.mkdir()
    for name in ("b.png", "c.png"):
        (out / name).write_text("the user's")
    with pytest.raises(HuescapeError, match=r"2 of 3 results exist, the first: .*b\.png; .*--over"):
        colorize_files(model, photos, out)
    assert sorted(p.name for p in out.iterdir()) == ["b.png", "c.png"]
    assert {p.read_text() for p in out.iterdir()} == {"the user's"}
    colorize_files(model, photos, out, overwrite=True)
    assert {Image.open(p).size for p in out.iterdir()} == {(9, 9)}


def test_results_of_another_folder_are_not_replaced(model: Path, tmp_path: Path) -> None:
    one, other = (
        save(tmp_path / x / "p.png", picture(9, side)) for x, side in (("a", 9), ("b", 7))
    )
    colorize_files(model, [one], tmp_path / "out")
    with pytest.raises(HuescapeError, match="1 of 1 results exist"):
        colorize_files(model, [other], tmp_path / "out")
    assert Image.open(tmp_path / "out/p.png").size == (9, 9)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_photo_is_not_replaced_by_another_of_its_names(
    model: Path, tmp_path: Path, overwrite: bool
) -> None:
    photo, linked = (save(tmp_path / "in" / name, picture(9, 9)) for name in ("p.png", "q.png"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/p.png").symlink_to(photo)  # leads to the photo: another name is taken
    (tmp_path / "out/q.png").hardlink_to(linked)
    before = photo.read_bytes()
    written = colorize_files(model, [photo], tmp_path / "out", overwrite=overwrite)
    assert [p.name for p in written] == ["p-2.png"]
    with pytest.raises(HuescapeError, match=r"q\.png: is one of the photos to color"):
        colorize_files(model, [linked], tmp_path / "out", overwrite=overwrite)
    assert photo.read_bytes() == linked.read_bytes() == before
    assert (tmp_path / "out/q.png").samefile(linked)


def test_a_folder_of_a_result_s_name_is_never_replaced(model: Path, tmp_path: Path) -> None:
    photo = save(tmp_path / "in/p.png", picture(9, 9))
    (tmp_path / "out/p.png").mkdir(parents=True)
    with pytest.raises(HuescapeError, match=r"p\.png: is a folder"):
        colorize_files(model, [photo], tmp_path / "out", overwrite=True)
    assert (tmp_path / "out/p.png").is_dir()


@pytest.mark.parametrize("stem", ["山" * 83, "a" * 251])
def test_the_longest_names_work(model: Path, tmp_path: Path, stem: str) -> None:
    photos = [save(tmp_path / "in" / f"{name}.jpg", picture(9, 9)) for name in ("a", stem, "z")]
    colorize_files(model, photos, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {p.name for p in photos}


def test_a_result_whose_name_is_too_long_stops_no_other(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a photo without a suffix, a PNG's name is longer."""
    photos = [
        save(tmp_path / "in" / name, picture(9, 9), format="PNG") for name in ("b" * 255, "z.png")
    ]
    with pytest.raises(HuescapeError, match="1 of 2 photos"):
        colorize_files(model, photos, tmp_path / "out")
    assert "File name too long" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["z.png"]


def test_a_bad_photo_is_one_line_and_the_others_go_on(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [save(tmp_path / name, picture(9, 9)) for name in ("a.png", "z.png")]
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    cut = tmp_path / "cut.png"
    cut.write_bytes(save(tmp_path / "whole.png", picture(90, 90)).read_bytes()[:300])
    photos = [good[0], text, cut, tmp_path / "absent.jpg", tmp_path, good[1]]
    with pytest.raises(HuescapeError, match="4 of 6 photos could not be colored"):
        colorize_files(model, photos, tmp_path / "out")
    lines = capsys.readouterr().err.splitlines()
    failures = [line for line in lines if line.startswith(str(tmp_path))]  # no progress bar
    assert [line.split(": ")[0] for line in failures] == [str(p) for p in photos[1:-1]]
    assert "is not a photo, or damaged" in failures[0]
    assert failures[2].endswith("absent.jpg: cannot be read: No such file or directory")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "z.png"]


def test_a_photo_s_name_breaks_no_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "two\nlines\x1b[31m.jpg"
    bad.write_text("not a photo")
    with pytest.raises(HuescapeError, match="1 of 1 photos could not be colored"):
        colorize_files(model, [bad], tmp_path / "out")
    said = capsys.readouterr().err
    assert f"{tmp_path}/two\\nlines\\x1b[31m.jpg: is not a photo" in said
    assert "\x1b[31m" not in said


def test_orientation_is_applied(model: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    photo = save(tmp_path / "a.jpg", picture(20, 30), exif=exif)
    colorize_files(model, [photo], tmp_path / "out")
    found = Image.open(tmp_path / "out/a.jpg")
    assert found.size == (20, 30)
    assert found.getexif().get(0x0112, 1) == 1  # not to be turned once more


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16"])
def test_other_pixel_formats(model: Path, tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture(20, 30))
    if mode == "I;16":
        image = Image.fromarray(picture(20, 30)[..., 0].astype(np.uint16) * 257)
    content = io.BytesIO()
    (image if mode == "I;16" else image.convert(mode)).save(
        content, "TIFF" if mode == "CMYK" else "PNG"
    )
    photo = tmp_path / "a.png"
    photo.write_bytes(content.getvalue())
    colorize_files(model, [photo], tmp_path / "out")
    assert Image.open(tmp_path / "out/a.png").mode == "RGB"


def test_no_photos_and_no_model(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no photo"):
        colorize_files(model, [], tmp_path / "out")
    with pytest.raises(HuescapeError, match=r"system\.json: no such file"):
        colorize_files(tmp_path, [tmp_path / "a.png"], tmp_path / "out")


def test_an_output_folder_that_is_a_file(model: Path, tmp_path: Path) -> None:
    photo = save(tmp_path / "p.png", picture(9, 9))
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(HuescapeError, match="cannot write"):
        colorize_files(model, [photo], tmp_path / "out")


def test_result_paths_are_all_different() -> None:
    photos = [Path("a/x.jpg"), Path("b/x.jpg"), Path("c/x.JPG"), Path("out/x.jpg"), Path("x.png")]
    found = result_paths(photos, Path("out"))
    assert len(set(found)) == 5
    assert not set(found) & set(photos)
