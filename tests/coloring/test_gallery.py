"""A gallery: which photos it shows, in which order, with which scores, and what it replaces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.spaces import rgb_to_lab
from huescape.coloring import gallery
from huescape.coloring.originals import read_original
from huescape.coloring.painting import colorize
from huescape.figures import grid
from huescape.figures.side_by_side import gray
from huescape.landscapes.render import render_scene
from huescape.metrics.colorfulness import colorfulness
from huescape.params.decodings import ANNEALED, Decoding
from huescape.systems.system import System, save_system
from tests.coloring.icc import gamma_curve, rgb_profile
from tests.coloring.systems import make_system

MEDIAN = Decoding(method="median")


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("yuv")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    folder = tmp_path_factory.mktemp("models") / "toy"
    save_system(folder, system, {}, "step,loss\n")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Three rendered landscapes, a gray one and a brown one."""
    folder = tmp_path_factory.mktemp("photos")
    for number, category in enumerate(("b/beach", "f/field/wild", "m/mountain")):
        rng = np.random.default_rng(number)
        rgb = render_scene(category, rng, 96, 64)
        Image.fromarray(rgb).save(folder / f"{category.split('/')[1]}.png")
    levels = np.asarray(Image.open(folder / "beach.png").convert("L"))[..., None]
    Image.fromarray(np.repeat(levels, 3, axis=-1)).save(folder / "gray.png")
    Image.fromarray((levels * (1.0, 0.8, 0.6)).astype(np.uint8)).save(folder / "brown.png")
    return [(path.name, path) for path in sorted(folder.iterdir())]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The columns and rows of each sheet that was drawn."""
    seen: list[Any] = []
    really = grid.draw

    def draw(path: Path, columns: Sequence[str], rows: Any, *layout: int) -> None:
        seen.append((list(columns), rows))
        really(path, columns, rows, *layout)

    monkeypatch.setattr(gallery.grid, "draw", draw)
    return seen


def mean_distance_score(predicted: np.ndarray, truth: np.ndarray) -> float:
    """AuC is, up to rounding, one minus the mean distance in units of 150."""
    away = np.linalg.norm(rgb_to_lab(predicted)[..., 1:] - rgb_to_lab(truth)[..., 1:], axis=-1)
    return float(1 - np.minimum(away, 150).mean() / 150)


def test_the_worst_is_first_and_what_is_gray_last(
    model: Path, system: System, photos: Any, tmp_path: Path, drawn: Any
) -> None:
    told = gallery.draw_gallery(model, photos, tmp_path / "out", [ANNEALED])
    ((columns, rows),) = drawn
    assert columns == ["gray", "toy\nannealed T=0.38", "truth"]
    names = [caption.split("\n")[0] for caption, _ in rows]
    assert names[3:] == ["brown.png", "gray.png"]
    assert sorted(names[:3]) == ["beach.png", "field.png", "mountain.png"]
    found = [float(re.search(r"AuC ([\d.]+),", caption)[1]) for caption, _ in rows[:3]]
    assert found == sorted(found)
    assert told == {"photos": 5, "sheets": 1, "auc": pytest.approx(np.mean(found), abs=0.001)}
    for name, (caption, pictures) in zip(names, rows, strict=True):
        photo = np.asarray(Image.open(dict(photos)[name]).convert("RGB"))
        colored = colorize(system, photo)
        np.testing.assert_array_equal(pictures[0], gray(photo))
        np.testing.assert_array_equal(pictures[1], colored)
        assert f"colorfulness {colorfulness(colored):.1f} (" in caption
        if name in ("gray.png", "brown.png"):
            assert len(pictures) == 2
            assert caption.endswith("(no colors of its own)")
            continue
        np.testing.assert_array_equal(pictures[2], photo)
        score = float(re.search(r"AuC ([\d.]+),", caption)[1])
        assert score == pytest.approx(mean_distance_score(colored, photo), abs=0.005)
        assert f"(truth {colorfulness(photo):.1f})" in caption


def test_without_any_truth_there_is_no_column_of_it(
    model: Path, photos: Any, tmp_path: Path, drawn: Any
) -> None:
    old = [(name, path) for name, path in photos if name in ("gray.png", "brown.png")]
    told = gallery.draw_gallery(model, old, tmp_path / "out", [ANNEALED])
    assert told == {"photos": 2, "sheets": 1}
    assert drawn[0][0] == ["gray", "toy\nannealed T=0.38"]
    assert [row[0].split("\n")[0] for row in drawn[0][1]] == ["brown.png", "gray.png"]


def test_a_column_for_each_decoding(
    model: Path, system: System, photos: Any, tmp_path: Path, drawn: Any
) -> None:
    decodings = [ANNEALED, MEDIAN, Decoding(method="diffuse", tau=0.2)]
    gallery.draw_gallery(model, photos[:1], tmp_path / "out", decodings)
    ((columns, ((caption, pictures),)),) = drawn
    titles = ["toy\nannealed T=0.38", "toy\nmedian", "toy\ndiffuse tau=0.2"]
    assert columns == ["gray", *titles, "truth"]
    photo = np.asarray(Image.open(photos[0][1]))
    for picture, decoding in zip(pictures[1:4], decodings, strict=True):
        np.testing.assert_array_equal(picture, colorize(system, photo, decoding))
    scores, said = r"0\.\d{3}", r"[\d.]+"
    words = [f"AuC {' / '.join([scores] * 3)}", f"colorfulness {' / '.join([said] * 3)} \\("]
    assert re.search(", ".join(words), caption)


def test_many_photos_fill_sheets_that_the_page_shows(
    model: Path, photos: Any, tmp_path: Path
) -> None:
    many = [(f"{number} <{name}>", path) for number in range(5) for name, path in photos]
    told = gallery.draw_gallery(model, many, tmp_path / "out", [ANNEALED], size=32)
    assert told["sheets"] == 3
    sheets = [f"sheet-{number:03d}.png" for number in (1, 2, 3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", *sheets]
    assert {Image.open(tmp_path / "out" / sheet).format for sheet in sheets} == {"PNG"}
    page = (tmp_path / "out/index.html").read_text()
    assert re.findall(r'<img src="([^"]+)"', page) == sheets
    assert re.findall(r'<a href="([^"]+)"', page) == sheets
    assert "25 photos, toy annealed T=0.38; mean AuC 0." in page


def test_what_is_shown_is_what_the_network_sees(
    model: Path, photos: Any, tmp_path: Path, drawn: Any
) -> None:
    gallery.draw_gallery(model, photos, tmp_path / "out", [ANNEALED], size=48)
    assert {picture.shape for _, row in drawn[0][1] for picture in row} == {(32, 48, 3)}


def test_a_photo_that_cannot_be_read_is_one_line(
    model: Path, photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no photo")
    absent = tmp_path / "absent.png"
    mixed = [("bad", bad), *photos[:1], ("absent", absent)]
    assert gallery.draw_gallery(model, mixed, tmp_path / "out", [ANNEALED])["photos"] == 1
    said = [line for line in capsys.readouterr().err.splitlines() if str(tmp_path) in line]
    assert said[0].startswith(f"{bad}: is not a photo, or damaged")
    assert said[1] == f"{absent}: cannot be read: No such file or directory"
    with pytest.raises(HuescapeError, match="none of 1 photos could be read"):
        gallery.draw_gallery(model, [("bad", bad)], tmp_path / "none", [ANNEALED])
    assert not (tmp_path / "none").exists()


def test_only_a_gallery_is_replaced_and_only_when_told(
    model: Path, photos: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()  # an empty folder is nobody's
    gallery.draw_gallery(model, photos, out, [ANNEALED])
    before = (out / "sheet-001.png").read_bytes()
    with pytest.raises(HuescapeError, match=r"out: holds a gallery; .*--overwrite"):
        gallery.draw_gallery(model, photos[:1], out, [ANNEALED])
    assert (out / "sheet-001.png").read_bytes() == before
    gallery.draw_gallery(model, photos[:1], out, [ANNEALED], overwrite=True)
    assert (out / "sheet-001.png").read_bytes() != before
    (out / "mine.txt").write_text("the user's")
    with pytest.raises(HuescapeError, match=r"holds mine\.txt, which is no gallery's"):
        gallery.draw_gallery(model, photos, out, [ANNEALED], overwrite=True)
    assert (out / "mine.txt").read_text() == "the user's"
    for name in ("file", "link"):
        place = tmp_path / name
        place.write_text("x") if name == "file" else place.symlink_to(tmp_path / "nowhere")
        with pytest.raises(HuescapeError, match="is no folder"):
            gallery.draw_gallery(model, photos, place, [ANNEALED], overwrite=True)


def test_wrong_arguments(model: Path, photos: Any, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no photo to draw"):
        gallery.draw_gallery(model, [], tmp_path / "out", [ANNEALED])
    with pytest.raises(ParamsError, match="--size is 7; allowed: at least 8"):
        gallery.draw_gallery(model, photos, tmp_path / "out", [ANNEALED], size=7)
    with pytest.raises(HuescapeError, match=r"system\.json: no such file"):
        gallery.draw_gallery(tmp_path, photos, tmp_path / "out", [ANNEALED])
    assert not (tmp_path / "out").exists()


def test_a_system_of_another_space_keeps_its_lightness(
    photos: Any, tmp_path: Path, drawn: Any
) -> None:
    save_system(tmp_path / "lab", make_system("lab"), {}, "step,loss\n")
    gallery.draw_gallery(tmp_path / "lab", photos, tmp_path / "out", [ANNEALED])
    for caption, (_, colored, photo) in drawn[0][1][:3]:
        score = float(re.search(r"AuC ([\d.]+),", caption)[1])
        assert score == pytest.approx(mean_distance_score(colored, photo), abs=0.005)
        change_HW = rgb_to_lab(colored)[..., 0] - rgb_to_lab(photo)[..., 0]
        assert np.abs(change_HW).max() < 1


def test_colors_are_painted_with_edges_and_scored_without(
    model: Path, system: System, photos: Any, tmp_path: Path, drawn: Any
) -> None:
    """As a person gets them, and as an evaluation scores them."""
    sharp = Decoding(temperature=0.02)
    gallery.draw_gallery(model, photos[:1], tmp_path / "out", [sharp])
    ((_, ((caption, pictures),)),) = drawn
    photo = np.asarray(Image.open(photos[0][1]))
    painted, plain = (colorize(system, photo, sharp, edges=edges) for edges in (True, False))
    np.testing.assert_array_equal(pictures[1], painted)
    assert (painted != plain).any()
    assert f"colorfulness {colorfulness(painted):.1f} (" in caption
    score = float(re.search(r"AuC ([\d.]+),", caption)[1])
    near, far = (abs(score - mean_distance_score(one, photo)) for one in (plain, painted))
    assert near < far


def test_a_color_profile_is_followed(model: Path, tmp_path: Path, drawn: Any) -> None:
    """As by the command: the sheets are sRGB, and so is the truth that is scored."""
    rgb = render_scene("b/beach", np.random.default_rng(0), 96, 64)
    Image.fromarray(rgb).save(tmp_path / "a.png", icc_profile=rgb_profile(gamma_curve(2.2)))
    gallery.draw_gallery(model, [("a", tmp_path / "a.png")], tmp_path / "out", [ANNEALED])
    ((_, ((_, pictures),)),) = drawn
    np.testing.assert_array_equal(
        pictures[-1], read_original((tmp_path / "a.png").read_bytes(), 10**6).pixels
    )
    assert np.abs(pictures[-1].astype(int) - rgb).max() > 5
