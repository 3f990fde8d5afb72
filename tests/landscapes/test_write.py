"""The files of a sample: the same for any number of workers, with every planned defect."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage.color import rgb2lab

from huescape.base.errors import HuescapeError
from huescape.landscapes.plan import Shot, file_name, plan, planned
from huescape.landscapes.write import encode_shot, write_sample

_PHOTOS, _SEED = 30, 3


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, _PHOTOS, _SEED)
    return root


def _file(shot: Shot) -> Path:
    return Path(shot.category) / file_name(_SEED, shot.index)


def _of_kind(root: Path, kind: str) -> list[Path]:
    return [root / _file(shot) for shot in plan(_PHOTOS) if shot.kind == kind]


def _chroma(image: Image.Image) -> float:
    lab_HW3 = rgb2lab(np.asarray(image.convert("RGB")))
    return float(np.hypot(lab_HW3[..., 1], lab_HW3[..., 2]).mean())


def test_bytes_do_not_depend_on_the_workers(sample: Path, tmp_path: Path) -> None:
    paths = write_sample(tmp_path, _PHOTOS, _SEED, workers=2)
    assert paths == sorted(paths)
    assert paths == sorted(p.relative_to(sample) for p in sample.rglob("*") if p.is_file())
    for path in paths:
        assert (tmp_path / path).read_bytes() == (sample / path).read_bytes()


def test_another_seed_gives_other_photos(sample: Path, tmp_path: Path) -> None:
    written = write_sample(tmp_path, 2, _SEED + 1)
    old = {path.read_bytes() for path in sample.rglob("*.jpg")}
    assert not any((tmp_path / path).read_bytes() in old for path in written)


def test_good_photos_are_in_color_and_large_enough(sample: Path) -> None:
    for kind in ("good", "rotated", "cmyk", "near_duplicate"):
        files = _of_kind(sample, kind)
        assert len(files) == planned(_PHOTOS)[kind]
        for file in files:
            with Image.open(file) as image:
                image.load()
                assert min(image.size) >= 200
                assert _chroma(image) > 2.0


def test_duplicates_have_the_bytes_of_another_photo(sample: Path) -> None:
    shots = plan(_PHOTOS)
    copies = [shot for shot in shots if shot.kind == "duplicate"]
    assert copies
    for shot in copies:
        original = sample / _file(shots[shot.scene])
        assert (sample / _file(shot)).read_bytes() == original.read_bytes()


def test_near_duplicates_look_like_another_photo(sample: Path) -> None:
    shots = plan(_PHOTOS)
    for shot in (shot for shot in shots if shot.kind == "near_duplicate"):
        copy = Image.open(sample / _file(shot))
        original = Image.open(sample / _file(shots[shot.scene]))
        assert copy.size != original.size
        small = [
            np.asarray(i.convert("RGB").resize((32, 32)), dtype=float) for i in (copy, original)
        ]
        assert np.abs(small[0] - small[1]).mean() < 4


def test_gray_photos_have_no_chroma(sample: Path) -> None:
    (gray,), (gray_mode,) = (_of_kind(sample, kind) for kind in ("gray", "gray_mode"))
    with Image.open(gray) as image:
        assert image.mode == "RGB"
        assert _chroma(image) < 0.1
    with Image.open(gray_mode) as image:
        assert image.mode == "L"


def test_truncated_file_does_not_decode(sample: Path) -> None:
    (file,) = _of_kind(sample, "truncated")
    with Image.open(file) as image, pytest.raises(OSError, match="truncated"):
        image.load()


def test_too_small_and_not_landscape(sample: Path) -> None:
    (small,) = _of_kind(sample, "too_small")
    with Image.open(small) as image:
        assert image.size == (64, 48)
    assert all(file.parent == sample / "s/street" for file in _of_kind(sample, "not_landscape"))


def test_cmyk_photo_is_the_scene_in_four_channels(sample: Path) -> None:
    (file,) = _of_kind(sample, "cmyk")
    with Image.open(file) as image:
        assert image.mode == "CMYK"


def test_rotated_photo_stands_upright_once_its_tag_is_applied() -> None:
    upright = Shot(7, 7, "good", "m/mountain")
    turned = Shot(7, 7, "rotated", "m/mountain")
    plain = Image.open(io.BytesIO(encode_shot(_SEED, upright)))
    stored = Image.open(io.BytesIO(encode_shot(_SEED, turned)))
    assert stored.getexif()[0x0112] == 6
    shown = ImageOps.exif_transpose(stored)
    assert shown.size == plain.size
    difference = np.asarray(shown, dtype=float) - np.asarray(plain, dtype=float)
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize(
    ("photos", "seed", "workers", "message"),
    [(0, 0, 1, "photos"), (5, -1, 1, "seed"), (5, 0, 0, "workers")],
)
def test_bad_numbers_are_refused(
    tmp_path: Path, photos: int, seed: int, workers: int, message: str
) -> None:
    with pytest.raises(HuescapeError, match=message):
        write_sample(tmp_path / "out", photos, seed, workers)
    assert not (tmp_path / "out").exists()
