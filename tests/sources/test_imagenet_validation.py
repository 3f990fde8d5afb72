"""The validation photos of ImageNet, from archives as they come: a flat tar and the devkit."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from huescape.base.errors import HuescapeError
from huescape.params.download import DownloadParams
from huescape.sources.kinds.imagenet import ImageNetSource, list_validation
from huescape.sources.listing import Found
from huescape.sources.manifest import read_manifest
from huescape.sources.walk import LeftOut
from huescape.stages import download

KEY = "download.sources.0"
CAT, ALP, REEF, ANIMAL = "n02123045", "n09193705", "n09256479", "n00015388"
#: Numbers in the devkit follow neither the wnids nor the classes of anybody's network; the last
#: entries are inner nodes of WordNet, which no photo has.
IDS = {1: ALP, 2: CAT, 3: REEF, 1001: ANIMAL}
TRUTH = [2, 1, 1, 3, 2]
FOLDER = "ILSVRC2012_devkit_t12"
TRUTH_FILE, META = "data/ILSVRC2012_validation_ground_truth.txt", "data/meta.mat"
MakeTar = Callable[..., bytes]


def name_of(number: int) -> str:
    return f"ILSVRC2012_val_{number:08}.JPEG"


def meta(ids: Mapping[Any, str], **more: Any) -> bytes:
    """A MATLAB file with the fields of the real one."""
    fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children"]
    table = np.zeros((len(ids), 1), [(field, object) for field in fields])
    for row, (number, wnid) in zip(table, ids.items(), strict=True):
        row[0] = (
            number if isinstance(number, str) else float(number),
            wnid,
            "a, b",
            "of such",
            0.0,
            np.zeros((1, 0)),
        )
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"synsets": table, **more}, do_compression=True)
    return stream.getvalue()


def devkit_files(truth: list[int] | bytes = TRUTH, mat: bytes | None = None) -> dict[str, bytes]:
    lines = truth if isinstance(truth, bytes) else "".join(f"{n}\n" for n in truth).encode()
    return {"readme.txt": b"read me", TRUTH_FILE: lines, META: meta(IDS) if mat is None else mat}


@pytest.fixture(scope="module")
def photos() -> dict[str, bytes]:
    return {name_of(n): f"photo {n}".encode() * (40 + n) for n in range(1, 6)}


@pytest.fixture
def root(tmp_path: Path, photos: dict[str, bytes], make_tar: MakeTar) -> Path:
    """The two archives in one folder."""
    files = {f"{FOLDER}/{name}": content for name, content in devkit_files().items()}
    (tmp_path / f"{FOLDER}.tar.gz").write_bytes(make_tar(files))
    (tmp_path / "ILSVRC2012_img_val.tar").write_bytes(make_tar(photos, "w"))
    return tmp_path


def listed(root: Path, **more: Any) -> list[Found]:
    return list_validation(ImageNetSource(root=str(root), part="validation", **more), KEY)


def contents(found: list[Found]) -> dict[str, bytes]:
    assert [photo.key for photo in found] == sorted(photo.key for photo in found)
    cut = {}
    for photo in found:
        data, start = photo.path.read_bytes(), photo.offset or 0
        cut[photo.key] = data[start : start + photo.bytes]
    return cut


def expected(photos: dict[str, bytes], *wnids: str) -> dict[str, bytes]:
    labels = {name_of(n): IDS[truth] for n, truth in enumerate(TRUTH, start=1)}
    chosen = {name: wnid for name, wnid in labels.items() if wnid in wnids}
    return {f"{wnid}/{name}": photos[name] for name, wnid in chosen.items()}


def test_the_archives_are_read_in_place(root: Path, photos: dict[str, bytes]) -> None:
    before = sorted(path.name for path in root.iterdir())
    assert contents(listed(root)) == expected(photos, ALP, REEF)
    every = listed(root, categories="all")
    assert contents(every) == expected(photos, ALP, REEF, CAT)
    assert {f.category: f.tier for f in every} == {ALP: "core", REEF: "extended", CAT: "none"}
    assert sorted(path.name for path in root.iterdir()) == before


@pytest.mark.parametrize("inside", [".", "val", "ILSVRC/Data/CLS-LOC/val"])
@pytest.mark.parametrize("nested", [True, False])
def test_folders(
    tmp_path: Path, photos: dict[str, bytes], make_tree: Any, inside: str, nested: bool
) -> None:
    make_tree(tmp_path / "root" / inside, photos)
    make_tree(tmp_path / "kit" / (FOLDER if nested else "."), devkit_files())
    found = listed(tmp_path / "root", devkit=str(tmp_path / "kit"), categories="all")
    assert contents(found) == expected(photos, ALP, REEF, CAT)


def test_a_photo_that_is_extracted_is_not_listed_twice(
    root: Path, photos: dict[str, bytes]
) -> None:
    (root / name_of(2)).write_bytes(photos[name_of(2)])
    found = listed(root)
    assert contents(found) == expected(photos, ALP, REEF)
    assert [photo.offset is None for photo in found] == [True, False, False]


def test_the_stage_takes_them(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("HUESCAPE_STATE", str(root / "state"))
    options = {"kind": "imagenet", "name": "val", "root": str(root), "part": "validation"}
    params = DownloadParams.model_validate({"sources": [options]})
    assert download.run(Path("raw"), params, workers=1)["photos"] == 3
    rows = read_manifest(Path("raw/manifest.csv"))
    assert [row.id for row in rows] == [
        f"val/{ALP}/ILSVRC2012_val_00000002",
        f"val/{ALP}/ILSVRC2012_val_00000003",
        f"val/{REEF}/ILSVRC2012_val_00000004",
    ]


def test_other_members_are_counted(root: Path, photos: dict[str, bytes], make_tar: MakeTar) -> None:
    others = {"cat.JPEG": b"x", "ILSVRC2012_val_1.JPEG": b"x", "._a.JPEG": b"x", "b.NEF": b"x"}
    (root / "ILSVRC2012_img_val.tar").write_bytes(make_tar({**others, **photos}, "w"))
    left_out = LeftOut()
    source = ImageNetSource(root=str(root), part="validation")
    assert contents(list_validation(source, KEY, left_out)) == expected(photos, ALP, REEF)
    assert left_out.lines() == [
        "skipped: 1 hidden photos",
        "not read: 1 camera raw .nef, 2 photos of other names",
    ]


def saved(values: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, values)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({TRUTH_FILE: b"1\n"}, f"holds no {META}; give the devkit"),
        ({META: meta(IDS)}, f"holds no {TRUTH_FILE}"),
        ({}, f"holds no {TRUTH_FILE}"),
        (devkit_files([2, 9, 1, 1, 1]), "line 2: '9' is no class of data/meta.mat"),
        (devkit_files(b"\xff\xfe\n"), "line 1: .* is no class"),
        (devkit_files([2, 1]), "ILSVRC2012_val_00000003.JPEG: the devkit has labels of 1 to 2"),
        (devkit_files(b""), "labels of 1 to 0"),
        (devkit_files(mat=b""), "meta.mat cannot be read"),
        (devkit_files(mat=b"MATLAB 5.0 MAT-file" + bytes(400)), "meta.mat cannot be read"),
        (devkit_files(mat=meta(IDS)[:300]), "meta.mat cannot be read"),
        (devkit_files(mat=b"\x89HDF\r\n\x1a\n" + bytes(600)), "meta.mat cannot be read"),
        (
            devkit_files(mat=saved({"other": 1})),
            "meta.mat .*: it holds other but no synsets",
        ),
        (devkit_files(mat=meta({"one": ALP})), "ILSVRC2012_ID 'one' is no number"),
        (devkit_files(mat=saved({"synsets": 3.0})), "meta.mat cannot be read"),
        (devkit_files(mat=saved({"synsets": "text"})), "meta.mat cannot be read"),
        (devkit_files(mat=meta({1: "../../x", 2: CAT, 3: REEF})), r"'\.\./\.\./x' is no wnid"),
    ],
)
def test_a_wrong_devkit_is_one_line(
    root: Path, make_tar: MakeTar, files: dict[str, bytes], words: str
) -> None:
    members = {f"{FOLDER}/{name}": content for name, content in files.items()}
    (root / f"{FOLDER}.tar.gz").write_bytes(make_tar(members))
    with pytest.raises(HuescapeError, match=words) as caught:
        listed(root)
    assert "\n" not in str(caught.value)


def test_damaged_archives_and_wrong_places_are_one_line(
    root: Path, photos: dict[str, bytes], make_tar: MakeTar
) -> None:
    tar, kit = root / "ILSVRC2012_img_val.tar", root / f"{FOLDER}.tar.gz"
    whole = kit.read_bytes()
    kit.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HuescapeError, match=r"devkit_t12\.tar\.gz: .*damaged or incomplete"):
        listed(root)
    kit.unlink()
    with pytest.raises(HuescapeError, match=r"sources\.0\.devkit: .* does not exist; get ILSVRC"):
        listed(root)
    kit.write_bytes(whole)
    tar.write_bytes(tar.read_bytes()[:1600])
    with pytest.raises(HuescapeError, match=r"img_val\.tar: .*damaged or incomplete"):
        listed(root)
    tar.write_bytes(make_tar({"../x.JPEG": b"x"}, "w"))
    with pytest.raises(HuescapeError, match="unsafe path"):
        listed(root)
    tar.unlink()
    with pytest.raises(HuescapeError, match=r"holds no ILSVRC2012_img_val\.tar or ILSVRC2012_val"):
        listed(root)
    with pytest.raises(HuescapeError, match=r"sources\.0\.root: .* does not exist"):
        listed(root / "gone")


def test_no_landscape_is_an_error(root: Path, make_tar: MakeTar) -> None:
    (root / "ILSVRC2012_img_val.tar").write_bytes(make_tar({name_of(1): b"cat"}, "w"))
    with pytest.raises(HuescapeError, match="none of the landscape classes is in"):
        listed(root)
