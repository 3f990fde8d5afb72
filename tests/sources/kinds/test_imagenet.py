"""Source imagenet: folders, class tars, the training archive."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.hashing import HashCache, hash_photos
from huescape.sources.kinds.imagenet import ImageNetSource, list_imagenet
from huescape.sources.listing import Found
from huescape.sources.walk import LeftOut

KEY = "download.sources.1"
ALP, REEF, CAT = "n09193705", "n09256479", "n02123045"


@pytest.fixture(scope="module")
def classes() -> dict[str, dict[str, bytes]]:
    """Photos of three classes: a core landscape, an extended one, and a cat."""
    return {
        wnid: {f"{wnid}_{i}.JPEG": f"{wnid} {i}".encode() * (50 + i) for i in range(3)}
        for wnid in (ALP, REEF, CAT)
    }


def source(root: Path, categories: str = "landscape") -> ImageNetSource:
    return ImageNetSource(root=str(root), categories=categories)


def as_folders(root: Path, classes: dict[str, dict[str, bytes]]) -> None:
    for wnid, files in classes.items():
        (root / wnid).mkdir(parents=True)
        for name, content in files.items():
            (root / wnid / name).write_bytes(content)


def content(photo: Found) -> bytes:
    data = photo.path.read_bytes()
    return data if photo.offset is None else data[photo.offset : photo.offset + photo.bytes]


def contents(found: list[Found]) -> dict[str, bytes]:
    assert [f.key for f in found] == sorted(f.key for f in found)
    return {f.key: content(f) for f in found}


def expected(classes: dict[str, dict[str, bytes]], *wnids: str) -> dict[str, bytes]:
    return {f"{w}/{name}": classes[w][name] for w in sorted(wnids) for name in classes[w]}


@pytest.mark.parametrize("inside", ["", "train", "ILSVRC/Data/CLS-LOC/train"])
def test_folders(tmp_path: Path, classes: dict[str, dict[str, bytes]], inside: str) -> None:
    as_folders(tmp_path / inside, classes)
    found = list_imagenet(source(tmp_path), KEY)
    assert contents(found) == expected(classes, ALP, REEF)
    assert {f.category: f.tier for f in found} == {ALP: "core", REEF: "extended"}
    every = list_imagenet(source(tmp_path, "all"), KEY)
    assert contents(every) == expected(classes, ALP, REEF, CAT)
    assert {f.tier for f in every if f.category == CAT} == {"none"}


@pytest.mark.parametrize("categories", ["landscape", "all"])
def test_class_tars_equal_the_folders(
    tmp_path: Path,
    classes: dict[str, dict[str, bytes]],
    make_tar: Callable[..., bytes],
    categories: str,
) -> None:
    as_folders(tmp_path / "folders", classes)
    (tmp_path / "tars").mkdir()
    for wnid, files in classes.items():
        (tmp_path / "tars" / f"{wnid}.tar").write_bytes(make_tar(files, "w"))
    in_tars = list_imagenet(source(tmp_path / "tars", categories), KEY)
    in_folders = list_imagenet(source(tmp_path / "folders", categories), KEY)
    assert contents(in_tars) == contents(in_folders)
    assert [(f.key, f.category, f.tier, f.bytes) for f in in_tars] == [
        (f.key, f.category, f.tier, f.bytes) for f in in_folders
    ]
    with HashCache(tmp_path / "cache") as cache:
        assert hash_photos(in_tars, cache, 2) == hash_photos(in_folders, cache, 2)
    assert sorted(p.name for p in (tmp_path / "tars").iterdir()) == [
        f"{wnid}.tar" for wnid in sorted(classes)
    ]


def test_the_training_archive_is_read_in_place(
    tmp_path: Path, classes: dict[str, dict[str, bytes]], make_tar: Callable[..., bytes]
) -> None:
    tars = {f"{wnid}.tar": make_tar(files, "w") for wnid, files in classes.items()}
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(make_tar(tars, "w"))
    assert contents(list_imagenet(source(tmp_path), KEY)) == expected(classes, ALP, REEF)
    assert contents(list_imagenet(source(tmp_path, "all"), KEY)) == expected(classes, *classes)


def test_a_folder_and_a_tar_of_one_class_are_united(
    tmp_path: Path, classes: dict[str, dict[str, bytes]], make_tar: Callable[..., bytes]
) -> None:
    names = sorted(classes[ALP])
    as_folders(tmp_path, {ALP: {names[0]: classes[ALP][names[0]]}})
    (tmp_path / f"{ALP}.tar").write_bytes(make_tar(classes[ALP], "w"))
    found = list_imagenet(source(tmp_path), KEY)
    assert contents(found) == expected(classes, ALP)
    assert [f.offset is None for f in found] == [True, False, False]


def test_members_that_are_no_photos_are_counted(
    tmp_path: Path, classes: dict[str, dict[str, bytes]], make_tar: Callable[..., bytes]
) -> None:
    odd = {os.fsdecode(b"caf\xe9.JPEG"): b"x", "a.NEF": b"x", "._b.JPEG": b"x", "c\r.JPEG": b"x"}
    (tmp_path / f"{ALP}.tar").write_bytes(make_tar(classes[ALP] | odd, "w"))
    left_out = LeftOut()
    found = {photo.key for photo in list_imagenet(source(tmp_path), KEY, left_out)}
    assert found == {*expected(classes, ALP), f"{ALP}/c\r.JPEG"}
    assert left_out.lines() == [
        "skipped: 1 hidden photos",
        "not read: 1 camera raw .nef, 1 photos whose names are not UTF-8",
    ]


def test_a_tar_cut_short_is_named(
    tmp_path: Path, classes: dict[str, dict[str, bytes]], make_tar: Callable[..., bytes]
) -> None:
    whole = make_tar(classes[ALP], "w")
    (tmp_path / f"{ALP}.tar").write_bytes(whole[:700])
    with pytest.raises(HuescapeError, match=rf"{ALP}\.tar: .*damaged or incomplete"):
        list_imagenet(source(tmp_path), KEY)


def test_a_missing_root_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"sources\.1\.root: .*does not exist; get .*terms"):
        list_imagenet(source(tmp_path / "gone"), KEY)
    with pytest.raises(HuescapeError, match=r"holds no wnid such as n09193705; get .*image-net"):
        list_imagenet(source(tmp_path), KEY)


def test_no_landscape_is_an_error(tmp_path: Path, classes: dict[str, dict[str, bytes]]) -> None:
    as_folders(tmp_path, {CAT: classes[CAT]})
    with pytest.raises(HuescapeError, match="none of the landscape classes is in"):
        list_imagenet(source(tmp_path), KEY)


def test_real_photos(photos: Path) -> None:
    every = list_imagenet(source(photos / "imagenet_sample", "all"), KEY)
    assert len(every) == 74
    assert sum(f.tier == "none" for f in every) == 64
    chosen = list_imagenet(source(photos / "imagenet_sample"), KEY)
    assert len(chosen) == 10
    assert "n09229709" not in {f.category for f in chosen}  # a bubble
