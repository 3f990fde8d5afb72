"""Source `imagenet`: the training or validation photos of ILSVRC2012, read where they are.

O. Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from huescape.base.errors import HuescapeError
from huescape.base.progress import progress
from huescape.params.download import Name
from huescape.sources.archives import Member, tar_members
from huescape.sources.categories import NO_TIER, imagenet_tier
from huescape.sources.imagenet_validation import (
    DEVKIT,
    validation_base,
    validation_labels,
    validation_photos,
)
from huescape.sources.imagenet_validation import PHOTOS as VALIDATION_TAR
from huescape.sources.listing import Found, found_file, require_folder
from huescape.sources.source import Categories, SourceOnDisk
from huescape.sources.walk import LeftOut, takes, walk_photos

_WNID = re.compile(r"n\d{8}")
_INSIDE = (".", "train", "ILSVRC/Data/CLS-LOC/train", "Data/CLS-LOC/train")
#: The training archive as it comes: one tar of 1,000 tars, one a class.
_TRAINING_TAR = "ILSVRC2012_img_train.tar"
_GET_IT = (
    "get ILSVRC2012_img_train.tar from https://image-net.org/download after accepting its terms, "
    "and give the folder that holds it, its per-wnid tars, or per-wnid folders"
)

_GET_VALIDATION = (
    f"get {VALIDATION_TAR} from https://image-net.org/download after accepting its terms, and give "
    "the folder that holds it, or its photos"
)


class ImageNetSource(SourceOnDisk):
    """ImageNet on disk, never downloaded: training or validation photos, as `part` says.

    The training photos are per-wnid folders, per-wnid tars, or both in `root`. The validation
    photos are one flat tar or folder in `root`, and their labels are in the devkit: `devkit` is its
    archive or folder, by default its archive in `root`.
    """

    licence_text = "ImageNet terms of access: non-commercial research and education"
    homepage = "https://image-net.org/download"
    is_local = True
    unlisted = ("colorunet",)

    name: Name = "imagenet"
    categories: Categories = "landscape"
    part: Literal["train", "validation"] = "train"
    devkit: str | None = None

    def found(self, key: str, raw: Path, left_out: LeftOut) -> list[Found]:
        """See `list_imagenet` and `list_validation`."""
        listed = list_validation if self.part == "validation" else list_imagenet
        return listed(self, key, left_out)


def list_imagenet(source: ImageNetSource, key: str, left_out: LeftOut | None = None) -> list[Found]:
    """List the photos of per-wnid folders, per-wnid tars and the training archive in `root`.

    Nothing is extracted: a photo in a tar has the tar as its path, and its offset there. Where a
    folder and a tar of one class have the same photo, the folder's is taken. `categories` =
    landscape leaves out all other classes. `key` is the dotted key of the source, for messages;
    `left_out` counts what is no photo.
    """
    root = require_folder(source.root, f"{key}.root", _GET_IT)
    base = imagenet_base(root)
    if base is None:
        raise HuescapeError(f"{key}.root: {root} holds no wnid such as n09193705; {_GET_IT}")
    found: dict[str, Found] = {}
    for photo in _photos(base, source.categories, left_out or LeftOut()):
        found.setdefault(photo.key, photo)
    if not found:
        raise HuescapeError(f"{key}.root: none of the {source.categories} classes is in {base}")
    return [found[name] for name in sorted(found)]


def list_validation(
    source: ImageNetSource, key: str, left_out: LeftOut | None = None
) -> list[Found]:
    """List the validation photos of the flat folder or tar in `root`, by the labels of the devkit.

    As `list_imagenet` otherwise.
    """
    root = require_folder(source.root, f"{key}.root", _GET_VALIDATION)
    base = validation_base(root)
    if base is None:
        raise HuescapeError(
            f"{key}.root: {root} holds no {VALIDATION_TAR} or ILSVRC2012_val_00000001.JPEG; "
            f"{_GET_VALIDATION}"
        )
    devkit = Path(source.devkit).expanduser() if source.devkit else root / DEVKIT
    labels = validation_labels(devkit, f"{key}.devkit")
    found: dict[str, Found] = {}
    for photo in validation_photos(base, labels, left_out or LeftOut()):
        if _wanted(photo.category, source.categories):
            found.setdefault(photo.key, replace(photo, tier=imagenet_tier(photo.category)))
    if not found:
        raise HuescapeError(f"{key}.root: none of the {source.categories} classes is in {base}")
    return [found[name] for name in sorted(found)]


def imagenet_base(root: Path) -> Path | None:
    """The folder that holds the classes: `root`, or where the archives put it."""
    for inside in _INSIDE:
        base = root / inside
        if base.is_dir() and any(_is_class(entry) for entry in base.iterdir()):
            return base
    return None


def _is_class(path: Path) -> bool:
    if path.name == _TRAINING_TAR:
        return path.is_file()
    return bool(_WNID.fullmatch(path.name)) if path.is_dir() else _is_class_tar(path.name)


def _is_class_tar(name: str) -> bool:
    return name.endswith(".tar") and bool(_WNID.fullmatch(name.removesuffix(".tar")))


def _photos(base: Path, categories: str, left_out: LeftOut) -> Iterator[Found]:
    """Folders first: the first of two photos with one key is kept."""
    entries = sorted(path for path in base.iterdir() if _is_class(path))
    for folder in (path for path in entries if path.is_dir() and _wanted(path.name, categories)):
        for name in walk_photos(folder, left_out):
            yield found_file(base, f"{folder.name}/{name}", folder.name, imagenet_tier(folder.name))
    tars = [(path, tar) for path in entries if path.is_file() for tar in _class_tars(path)]
    wanted = [item for item in tars if _wanted(_wnid(item[1].name), categories)]
    for path, tar in progress(wanted, total=len(wanted), desc="list", unit="tar"):
        yield from _in_tar(path, tar, left_out)


def _class_tars(path: Path) -> list[Member]:
    """The class tars in a file: itself, or the members of the training archive."""
    if path.name != _TRAINING_TAR:
        return [Member(path.name, 0, path.stat().st_size)]
    return [member for member in tar_members(path) if _is_class_tar(Path(member.name).name)]


def _in_tar(path: Path, tar: Member, left_out: LeftOut) -> Iterator[Found]:
    wnid = _wnid(tar.name)
    for member in tar_members(path, tar.offset, tar.offset + tar.bytes):
        name = Path(member.name).name
        if takes(name, left_out):
            key = f"{wnid}/{name}"
            yield Found(key, path, wnid, imagenet_tier(wnid), member.bytes, member.offset)


def _wnid(name: str) -> str:
    return Path(name).name.removesuffix(".tar")


def _wanted(wnid: str, categories: str) -> bool:
    return categories == "all" or imagenet_tier(wnid) != NO_TIER
