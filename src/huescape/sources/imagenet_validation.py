"""The validation photos of ILSVRC2012: one flat tar or folder, and the labels of its devkit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.sources.archives import read_members, tar_members
from huescape.sources.listing import Found, file_size
from huescape.sources.matlab import read_table
from huescape.sources.walk import LeftOut, takes, walk_photos

#: The archives as they come.
PHOTOS, DEVKIT = "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"
_INSIDE = (".", "val", "ILSVRC/Data/CLS-LOC/val", "Data/CLS-LOC/val")
_WNID = re.compile(r"n\d{8}")
_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")
_TRUTH, _META = "data/ILSVRC2012_validation_ground_truth.txt", "data/meta.mat"


def validation_labels(devkit: Path, key: str) -> list[str]:
    """The wnid of each validation photo, in the order of their numbers.

    `devkit` is the archive or the folder that it holds, `key` its dotted key for messages. Raises
    HuescapeError when it is neither, or its files are not those of the devkit.
    """
    names = (_TRUTH, _META)
    if devkit.is_dir():
        contents = _of_folder(devkit, names)
    elif devkit.is_file():
        contents = read_members(devkit, names)
    else:
        raise HuescapeError(
            f"{key}: {devkit} does not exist; get {DEVKIT} from https://image-net.org/download "
            "after accepting its terms: the labels of the validation photos are in it"
        )
    missing = [name for name in names if name not in contents]
    if missing:
        raise HuescapeError(f"{key}: {devkit} holds no {missing[0]}; give the devkit of ILSVRC2012")
    wnids = _wnids(contents[_META], f"{devkit}: {_META}")
    lines = contents[_TRUTH].decode("ascii", "replace").split()
    for number, line in enumerate(lines, start=1):
        if line not in wnids:
            raise HuescapeError(
                f"{devkit}: {_TRUTH}, line {number}: {line[:40]!r} is no class of {_META}"
            )
    return [wnids[line] for line in lines]


def validation_base(root: Path) -> Path | None:
    """The folder that holds the validation tar or the photos themselves."""
    for inside in _INSIDE:
        base = root / inside
        if (base / PHOTOS).is_file():
            return base
        if base.is_dir() and any(_NAME.fullmatch(path.name) for path in base.iterdir()):
            return base
    return None


def validation_photos(base: Path, labels: list[str], left_out: LeftOut) -> Iterator[Found]:
    """Photos of the folder, then of the tar; their `category` is the wnid, their `tier` empty.

    A photo's key is `<wnid>/<name>`, as among the training photos. `left_out` counts what is none
    of the dataset's. Raises HuescapeError for a photo that the labels do not reach.
    """
    for name in walk_photos(base, left_out):
        if found := _labelled(name, labels, left_out):
            yield Found(f"{found}/{name}", base / name, found, "", file_size(base / name))
    if not (base / PHOTOS).is_file():
        return
    for member in tar_members(base / PHOTOS):
        name = Path(member.name).name
        if takes(name, left_out) and (found := _labelled(name, labels, left_out)):
            key = f"{found}/{name}"
            yield Found(key, base / PHOTOS, found, "", member.bytes, member.offset)


def _labelled(name: str, labels: list[str], left_out: LeftOut) -> str | None:
    """The wnid of a photo; None, counted, for one that the dataset does not have."""
    match = _NAME.fullmatch(name)
    if match is None:
        left_out.not_read["photos of other names"] += 1
        return None
    number = int(match[1])
    if not 1 <= number <= len(labels):
        raise HuescapeError(f"{name}: the devkit has labels of 1 to {len(labels)} only")
    return labels[number - 1]


def _of_folder(devkit: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    bases = (devkit, devkit / DEVKIT.partition(".")[0])
    base = next((base for base in bases if (base / names[0]).is_file()), devkit)
    found = {name: base / name for name in names if (base / name).is_file()}
    try:
        return {name: path.read_bytes() for name, path in found.items()}
    except OSError as error:
        raise HuescapeError(f"{error.filename}: {error.strerror}") from error


def _wnids(content: bytes, where: str) -> dict[str, str]:
    """The wnid of each number, as it is written in the ground truth."""
    try:
        rows = read_table(content, "synsets", ("ILSVRC2012_ID", "WNID"))
    except HuescapeError as error:
        raise HuescapeError(f"{where} cannot be read: {error}") from error
    named = [number for number, _ in rows if isinstance(number, str)]
    if named:
        raise HuescapeError(f"{where}: ILSVRC2012_ID {named[0][:40]!r} is no number")
    wnids = {f"{number:g}": str(wnid) for number, wnid in rows}
    strange = [wnid for wnid in wnids.values() if not _WNID.fullmatch(wnid)]
    if strange:
        raise HuescapeError(f"{where}: {strange[0][:40]!r} is no wnid such as n09193705")
    return wnids
