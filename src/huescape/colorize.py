"""Color a person's own photos with a trained system.

The lightness of a photo is kept, pixel by pixel, at full resolution: the network sees the photo
shrunk, and only its chroma is stretched back.

Shape suffixes: H rows and W columns of the photo, h and w of what the network sees.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from huescape import atomic
from huescape.color.decoding import join
from huescape.errors import HuescapeError, ParamsError
from huescape.photos import PhotoError, open_photo, read_bytes
from huescape.progress import progress
from huescape.systems import System, load_system

Picture = npt.NDArray[np.uint8]

SIZE = 256
TEMPERATURE = 0.38
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
_STRIP_PIXELS = 1 << 20


def colorize(
    system: System, photo: npt.NDArray[Any], temperature: float = TEMPERATURE, size: int = SIZE
) -> Picture:
    """Color a photo of any size.

    Args:
        photo: uint8 (H, W, 3) RGB, of which only the lightness is used, or (H, W) gray.
        temperature: of the annealed mean, above 0; 1 is calm, towards 0 more vivid.
        size: the longer side, in pixels, of what the network sees; a photo is only ever shrunk.
    Returns:
        RGB uint8 (H, W, 3), with the photo's own lightness except where a color leaves the gamut.
    Raises:
        HuescapeError: another shape or dtype. ParamsError: a temperature or size out of range.
    """
    check_options(temperature, size)
    rgb_HW3 = _as_rgb(photo)
    height, width = rgb_HW3.shape[:2]
    small_hw3 = _shrunk(rgb_HW3, size)
    lightness_11hw = torch.from_numpy(system.space.from_rgb(small_hw3)[None, None, ..., 0].copy())
    output_1Chw = system.predict(system.normalize(lightness_11hw))
    source = (small_hw3.shape[0], small_hw3.shape[1])
    chroma_12HW = system.decode(output_1Chw, temperature, (height, width), source)
    chroma_2HW = chroma_12HW[0].cpu().numpy()
    return _joined(system, rgb_HW3, chroma_2HW)


def colorize_files(
    model: Path,
    photos: Sequence[Path],
    out: Path,
    temperature: float = TEMPERATURE,
    size: int = SIZE,
) -> list[Path]:
    """Color files into the folder `out`; a JPEG becomes a JPEG of quality 95, the rest PNG.

    A result has its photo's name, numbered (`name-2.png`) where two photos share one; existing
    results of an earlier run are replaced. No file among `photos` is ever written to.

    Returns:
        The files written, in the order of `photos`.
    Raises:
        HuescapeError: no system in `model`, or `out` cannot be written; and at the end when some
            photos could not be colored (one line on standard error for each; the rest is done).
        ParamsError: a temperature or size out of range, or no photo.
    """
    check_options(temperature, size)
    if not photos:
        raise ParamsError("no photo to color; allowed: one or more files")
    system = load_system(model)
    _make_folder(out)
    written, failures = [], []
    targets = result_paths(photos, out)
    for photo, target in progress(list(zip(photos, targets, strict=True)), desc="colorize"):
        try:
            original = np.asarray(open_photo(read_bytes(photo)))
        except PhotoError as error:
            failures.append(f"{photo}: {_reason(error)}")
            continue
        _save(target, colorize(system, original, temperature, size))
        written.append(target)
    if failures:
        print("\n".join(failures), file=sys.stderr)
        raise HuescapeError(f"{len(failures)} of {len(photos)} photos could not be colored")
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


def check_options(temperature: float, size: int) -> None:
    """Raise ParamsError for a temperature or size out of range."""
    if not 0 < temperature <= 1:
        raise ParamsError(f"--temperature is {temperature:g}; allowed: above 0, at most 1")
    if size < 8:
        raise ParamsError(f"--size is {size}; allowed: at least 8 pixels")


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


def _shrunk(rgb_HW3: Picture, size: int) -> Picture:
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
    with atomic.replace_file(target) as temporary:
        if target.suffix in _JPEG:
            image.save(temporary, format="JPEG", quality=95, subsampling=0)
        else:
            image.save(temporary, format="PNG")


def _reason(error: PhotoError) -> str:
    words = {"missing": "cannot be read", "undecodable": "is not a photo, or damaged"}
    return words.get(error.reason, f"cannot be used ({error.reason})")
