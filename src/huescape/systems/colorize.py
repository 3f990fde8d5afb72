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
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from huescape.base import atomic
from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.base.memory import explained_by
from huescape.base.progress import progress
from huescape.color.decoding import join
from huescape.params.decodings import ANNEALED, Decoding
from huescape.photos import PhotoError, open_photo, read_bytes
from huescape.systems.system import System, load_system, refuse_decoding

Picture = npt.NDArray[np.uint8]
T = TypeVar("T")

SIZE = 256
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
_STRIP_PIXELS = 1 << 20
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def colorize(
    system: System,
    photo: npt.NDArray[Any],
    decoding: Decoding = ANNEALED,
    size: int | None = None,
) -> Picture:
    """Color a photo of any size.

    Args:
        photo: uint8 (H, W, 3) RGB, of which only the lightness is used, or (H, W) gray.
        decoding: how a color is chosen from a distribution; a regression has none.
        size: the longer side, in pixels, of what the network sees, to which a photo is only ever
            shrunk; by default that of `seen_size`.
    Returns:
        RGB uint8 (H, W, 3), with the photo's own lightness except where a color leaves the gamut.
    Raises:
        HuescapeError: another shape or dtype. ParamsError: a size out of range.
    """
    size = seen_size(system, size)
    rgb_HW3 = _as_rgb(photo)
    (chroma_2HW,) = predicted_chroma(system, rgb_HW3, [decoding], size)
    return _joined(system, rgb_HW3, chroma_2HW)


def predicted_chroma(
    system: System, rgb_HW3: Picture, decodings: Sequence[Decoding], size: int
) -> list[npt.NDArray[np.float32]]:
    """The chroma (2, H, W) of a photo by each decoding, before any clipping, from one pass.

    `size` is as in `colorize`.
    """
    height, width = rgb_HW3.shape[:2]
    small_hw3 = shrunk(rgb_HW3, size)
    lightness_11hw = torch.from_numpy(system.space.from_rgb(small_hw3)[None, None, ..., 0].copy())
    output_1Chw = system.predict(system.normalize(lightness_11hw))
    source = (small_hw3.shape[0], small_hw3.shape[1])
    decoded = (system.decode(output_1Chw, one, (height, width), source) for one in decodings)
    return [chroma_12HW[0].cpu().numpy() for chroma_12HW in decoded]


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


def check_size(size: int | None) -> None:
    """Raise ParamsError for a size out of range."""
    if size is not None and size < 8:
        raise ParamsError(f"--size is {size}; allowed: at least 8 pixels")


def seen_size(system: System, size: int | None) -> int:
    """`size`, or where there is none, the system's view; else 256, as photos are stored by default.

    Raises ParamsError for a size out of range.
    """
    check_size(size)
    return size or system.params.geometry.view or SIZE


def _as_rgb(photo: npt.NDArray[Any]) -> Picture:
    photo = np.asarray(photo)
    if photo.dtype == np.uint8 and photo.ndim == 2:
        photo = np.repeat(photo[..., None], 3, axis=2)
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise HuescapeError(
            f"a photo has dtype {photo.dtype} and shape {photo.shape}; "
            "allowed: uint8 (H, W, 3) or (H, W)"
        )
    return photo


def shrunk(rgb_HW3: Picture, size: int) -> Picture:
    """The photo as the training saw its photos: Lanczos, only ever downsampled."""
    height, width = rgb_HW3.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return rgb_HW3
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb_HW3).resize(fitted, Image.Resampling.LANCZOS))


def _joined(system: System, rgb_HW3: Picture, chroma_2HW: npt.NDArray[np.float32]) -> Picture:
    """Original lightness and new chroma, in strips of rows: floats of a big photo are large."""
    out_HW3 = np.empty_like(rgb_HW3)
    rows = max(1, _STRIP_PIXELS // rgb_HW3.shape[1])
    for top in range(0, len(rgb_HW3), rows):
        strip = slice(top, top + rows)
        lightness_HW = system.space.from_rgb(rgb_HW3[strip])[..., 0]
        chroma_HW2 = np.moveaxis(chroma_2HW[:, strip], 0, -1)
        out_HW3[strip] = join(lightness_HW, chroma_HW2, system.space)
    return out_HW3


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
