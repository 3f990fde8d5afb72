"""Color a person's own photos with a trained system.

The lightness of a photo is kept, pixel by pixel, at full resolution: the network sees the photo
shrunk, and only its chroma is stretched back.

Shape suffixes: H rows and W columns of the photo, h and w of what the network sees.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base import atomic
from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.base.memory import explained_by
from huescape.base.progress import progress
from huescape.coloring.painting import colorize
from huescape.coloring.prediction import check_size, seen_size
from huescape.params.decodings import ANNEALED, Decoding
from huescape.photos import PhotoError, open_photo, read_bytes
from huescape.systems.system import load_system, refuse_decoding

Picture = npt.NDArray[np.uint8]
T = TypeVar("T")

_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def colorize_files(
    model: Path,
    photos: Sequence[Path],
    out: Path,
    decoding: Decoding = ANNEALED,
    size: int | None = None,
    overwrite: bool = False,
    asked: Sequence[str] = (),
) -> list[Path]:
    """Color files into the folder `out`; a JPEG becomes a JPEG of quality 95, the rest PNG.

    A result has its photo's name, numbered (`name-2.png`) where two photos share one. No file among
    `photos` is ever written to, by whatever name or link, and none that exists without `overwrite`.

    Returns:
        The files written, in the order of `photos`.
    Raises:
        HuescapeError: no system in `model`, results that exist (before any photo is colored), or
            `out` cannot be written; and at the end when some photos could not be colored (one line
            on standard error for each; the rest is done).
        ParamsError: a size out of range, no photo, or a decoding that was `asked` for (the names of
            the options) of a regression.
    """
    check_size(size)
    if not photos:
        raise ParamsError("no photo to color; allowed: one or more files")
    targets = result_paths(photos, out)
    _refuse_conflicts(photos, targets, overwrite)
    system = load_system(model)
    refuse_decoding(system, model.name, asked)
    _make_folder(out)
    size = seen_size(system, size)
    color = partial(colorize, system, decoding=decoding, size=size)
    written, failures = [], []
    for photo, target in progress(list(zip(photos, targets, strict=True)), desc="colorize"):
        try:
            picture = on_photo(photo, size, color)
            _refuse_conflicts(photos, [target], overwrite)  # it may be there by now
            _save(target, picture)
            written.append(target)
        except HuescapeError as error:
            failures.append(one_line(f"{photo}: {error}"))
            if _is_hopeless(error):
                failures.append(f"{len(photos) - len(written) - len(failures)} more were not tried")
                break
    if failures:
        print("\n".join(failures), file=sys.stderr)
        left = len(photos) - len(written)
        raise HuescapeError(f"{left} of {len(photos)} photos could not be colored")
    return written


def result_paths(photos: Sequence[Path], out: Path) -> list[Path]:
    """Where each photo's result goes: all different, and none a photo of the list."""
    taken = {str(photo.resolve()).casefold() for photo in photos}
    results = []
    for photo in photos:
        suffix = photo.suffix.lower()
        suffix = suffix if suffix in _JPEG else ".png"
        target, number = out / f"{photo.stem}{suffix}", 1
        # Case-insensitive, because the disk may be.
        while str(target.resolve()).casefold() in taken:
            number += 1
            target = out / f"{photo.stem}-{number}{suffix}"
        taken.add(str(target.resolve()).casefold())
        results.append(target)
    return results


def _refuse_conflicts(photos: Sequence[Path], targets: Sequence[Path], overwrite: bool) -> None:
    """Raise HuescapeError if a result would take the place of what is there."""
    existing = [target for target in targets if os.path.lexists(target)]
    if not existing:
        return
    inputs = {_identity(photo) for photo in photos} - {None}
    for target in existing:
        if _identity(target) in inputs:
            raise HuescapeError(f"{target}: is one of the photos to color, by another name")
        if target.is_dir():
            raise HuescapeError(f"{target}: is a folder; name another output folder")
    if not overwrite:
        raise HuescapeError(
            f"{len(existing)} of {len(targets)} results exist, the first: {existing[0]}; "
            "name another folder, or add --overwrite"
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """What two names of one file share, links followed; None if it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def on_photo(photo: Path, size: int, work: Callable[[Picture], T]) -> T:
    """What `work` makes of a photo's pixels, uint8 (H, W, 3), at `--size` `size`.

    Raises HuescapeError, without the photo's name, where it cannot be read or memory runs out.
    """
    pixels = "the photo"

    def explain() -> HuescapeError:
        return HuescapeError(f"out of memory for {pixels}; lower --size, or shrink the photo")

    try:
        with explained_by(explain):
            original = np.asarray(open_photo(read_bytes(photo)))
            pixels = f"{original.shape[1]} x {original.shape[0]} pixels at --size {size}"
            return work(original)
    except PhotoError as error:
        raise HuescapeError(_reason(error, photo)) from error


def _is_hopeless(error: HuescapeError) -> bool:
    """Whether the disk refuses every photo alike."""
    refused = error.__cause__
    return isinstance(refused, OSError) and refused.errno in _HOPELESS


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HuescapeError(f"cannot write to {out}: {error.strerror or error}") from error


def _save(target: Path, picture: Picture) -> None:
    image = Image.fromarray(picture)
    height, width = picture.shape[:2]
    too_large = HuescapeError(f"out of memory to write {width} x {height} pixels")
    with explained_by(lambda: too_large), atomic.replace_file(target) as temporary:
        if target.suffix in _JPEG:
            image.save(temporary, format="JPEG", quality=95, subsampling=0)
        else:
            image.save(temporary, format="PNG")


def _reason(error: PhotoError, photo: Path) -> str:
    words = {"missing": "cannot be read", "undecodable": "is not a photo, or damaged"}
    detail = error.detail.removeprefix(f"{photo}: ")
    return ": ".join(filter(None, [words.get(error.reason, "cannot be used"), detail]))
