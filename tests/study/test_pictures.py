"""What a study shows: photos from a folder, the systems' own colors, colors of other photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.painting import colorize
from huescape.photos import fit
from huescape.shards import Column, write_index, write_shard
from huescape.study.photos import SIDE, read_photos
from huescape.study.pictures import Pictures
from huescape.study.plan import Design
from tests.coloring.systems import picture, save
from tests.study.running import DESIGN, SYSTEMS, painter, scenes


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def test_photos_are_read_by_name_and_shrunk(tmp_path: Path) -> None:
    photos = scenes(3, 400, 300)
    for name, rgb_HW3 in photos.items():
        save(tmp_path / "deeper" / name, rgb_HW3)
    found = read_photos(tmp_path, 10, 0)
    assert list(found) == [f"deeper/{name}" for name in photos]
    assert {max(rgb_HW3.shape) for rgb_HW3 in found.values()} == {SIDE}
    assert {rgb_HW3.dtype for rgb_HW3 in found.values()} == {np.dtype(np.uint8)}


def test_what_cannot_be_studied_is_left_out_and_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = scenes(2).values()
    save(tmp_path / "a.png", first)
    save(tmp_path / "b.png", first)
    save(tmp_path / "c.png", picture(40, 60).mean(axis=2).astype(np.uint8))
    (tmp_path / "d.png").write_bytes(b"no photo")
    save(tmp_path / "e.png", second)
    (tmp_path / "f.pdf").write_bytes(b"%PDF")
    assert list(read_photos(tmp_path, 10, 0)) == ["a.png", "e.png"]
    said = capfd.readouterr().err.splitlines()
    assert said[1:3] == [
        "b.png: shows the same as a.png; left out",
        "c.png: has no colors of its own; left out",
    ]
    assert said[0] == f"{tmp_path}: not read: 1 picture .pdf"
    assert said[3].startswith("d.png: is not a photo, or damaged: ")
    assert len(said) == 4


def test_some_of_many_are_drawn_by_the_seed(tmp_path: Path) -> None:
    for name, rgb_HW3 in scenes(8, 48, 32).items():
        save(tmp_path / name, rgb_HW3)
    drawn = [list(read_photos(tmp_path, 3, seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(names) for names in drawn] == [3] * 3
    assert drawn[0] == sorted(drawn[0])


def test_there_has_to_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HuescapeError, match="nosuch: no such folder"):
        read_photos(tmp_path / "nosuch", 10, 0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HuescapeError, match="allowed: --photos FOLDER, or a project after"):
        read_photos(None, 10, 0)


def test_a_project_has_photos_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of its test split, without the padding that they are stored with."""
    columns = [Column("rgb", "uint8", (48, 48, 3)), Column("box", "int16", (4,))]
    rows, photos = [], scenes(4, 48, 32)
    for split, (name, rgb_HW3) in zip(
        ("train", "test", "val", "test"), photos.items(), strict=True
    ):
        padded_SS3, box = fit(Image.fromarray(rgb_HW3), 48)
        rows.append((name, split, {"rgb": padded_SS3, "box": box}))
    folder = tmp_path / "data/resized"
    folder.mkdir(parents=True)
    write_shard(folder, "00000", columns, rows)
    write_index(folder, "photos", columns, ["00000"], {"size": 48})
    monkeypatch.chdir(tmp_path)
    found = read_photos(None, 10, 0)
    assert list(found) == ["scene-01.png", "scene-03.png"]
    for name, rgb_HW3 in found.items():
        assert (rgb_HW3 == photos[name]).all()
    assert len(read_photos(None, 1, 0)) == 1


def test_each_system_colors_as_it_does_elsewhere() -> None:
    photos, painters = scenes(DESIGN.photos), [painter(name) for name in SYSTEMS]
    pictures = Pictures(DESIGN, photos, painters)
    originals = list(photos.values())
    for number in range(6):
        for trial in DESIGN.session(number):
            fake, real = (1, 2) if trial.fake_first else (2, 1)
            assert (pixels(pictures.shown(trial, real)) == originals[trial.photo]).all()
            if trial.system is not None:
                by = painters[trial.system]
                photo_HW3 = originals[trial.photo]
                expected_HW3 = colorize(
                    by.system, photo_HW3, by.decoding, edges=True, as_print=True
                )
                assert (pixels(pictures.shown(trial, fake)) == expected_HW3).all()


def test_a_catch_trial_has_the_colors_of_another_photo() -> None:
    """And the farthest of those that could lend theirs; the lightness is the photo's."""
    design = Design(5, 1, 12, 2, 5, 1)
    hues = [(200, 90, 90), (90, 90, 200), (90, 190, 90)]
    shades = np.linspace(0.6, 1.1, 60)[:, None, None]
    photos = {
        f"{k:02d}": np.clip(np.full((60, 80, 3), hues[k % 3]) * shades + k, 0, 255).astype(np.uint8)
        for k in range(12)
    }
    pictures = Pictures(design, photos, [painter("plain")])
    (trial,) = [trial for trial in design.session(0) if trial.kind == "catch"]
    real, fake = (
        pixels(pictures.shown(trial, p)) for p in ((2, 1) if trial.fake_first else (1, 2))
    )
    labs = [rgb_to_lab(rgb_HW3) for rgb_HW3 in (real, fake)]
    assert np.abs(labs[0][..., 0] - labs[1][..., 0]).mean() < 3
    away = [
        np.abs(rgb_to_lab(photos[f"{k:02d}"])[..., 1:].mean((0, 1)) - labs[0][..., 1:].mean((0, 1)))
        for k in design.donor(trial.photo, 8)
    ]
    farthest = max(float(np.hypot(*one)) for one in away)
    found = np.hypot(*np.abs(labs[1][..., 1:].mean((0, 1)) - labs[0][..., 1:].mean((0, 1))))
    assert found == pytest.approx(farthest, rel=0.15)
    assert found > 40
