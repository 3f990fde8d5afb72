"""Write the sample as a tree of JPEG files, in a pool of processes."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from huescape.base.atomic import write_bytes
from huescape.base.errors import HuescapeError
from huescape.base.pool import map_ordered, working_on
from huescape.base.progress import progress
from huescape.landscapes.plan import SIZES, TOO_SMALL, Shot, file_name, plan
from huescape.landscapes.render import render_scene

_QUALITY = 92
_MOST = 26**5
_ORIENTATION = 0x0112


def write_sample(root: Path, photos: int, seed: int, workers: int = 1) -> list[Path]:
    """Render `photos` JPEGs into `root` as `<letter>/<category>[/<sub>]/sun_<16 letters>.jpg`.

    Returns their paths relative to `root`, sorted. The bytes depend on `photos` and `seed` alone
    (the picture of each only on `seed` and its index). `plan.planned` says how many files of each
    kind there are. Existing files of other names are left alone. Raises HuescapeError when
    `photos` is not in 1..26^5, `seed` is negative, `workers` is below 1, the disk refuses, or a
    worker dies.
    """
    if not 1 <= photos <= _MOST:
        raise HuescapeError(f"sample source: photos must be from 1 to {_MOST}, not {photos}")
    if seed < 0:
        raise HuescapeError(f"sample source: seed must be 0 or more, not {seed}")
    if workers < 1:
        raise HuescapeError(f"sample source: workers must be 1 or more, not {workers}")
    shots = plan(photos)
    job = partial(_write_shot, root, seed)
    written = map_ordered(job, shots, chunk=max(1, min(16, photos // (4 * workers))), count=workers)
    return sorted(progress(written, total=photos, desc="render", unit="photo"))


def _write_shot(root: Path, seed: int, shot: Shot) -> Path:
    """Render, encode and write one shot; its path relative to the root."""
    relative = Path(shot.category) / file_name(seed, shot.index)
    working_on(str(root / relative))
    write_bytes(root / relative, encode_shot(seed, shot), durable=False)  # its hash is recorded
    return relative


def encode_shot(seed: int, shot: Shot) -> bytes:
    """The JPEG file of a shot."""
    rng = np.random.default_rng([seed, shot.scene])
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    if shot.kind == "too_small":
        width, height = TOO_SMALL
    photo = render_scene(shot.category, rng, width, height)
    if shot.kind == "truncated":
        whole = _jpeg(Image.fromarray(photo))
        return whole[: len(whole) * 2 // 5]
    if shot.kind == "near_duplicate":
        smaller = (round(width * 0.94), round(height * 0.94))
        copy = Image.fromarray(photo).resize(smaller, Image.Resampling.LANCZOS)
        return _jpeg(copy, quality=70)
    if shot.kind == "rotated":
        return _rotated(photo)
    return _jpeg(_in_mode(photo, shot.kind))


def _in_mode(photo_HW3: NDArray[np.uint8], kind: str) -> Image.Image:
    image = Image.fromarray(photo_HW3)
    if kind == "gray":
        return image.convert("L").convert("RGB")
    if kind == "gray_mode":
        return image.convert("L")
    if kind == "cmyk":
        return image.convert("CMYK")
    return image


def _rotated(photo_HW3: NDArray[np.uint8]) -> bytes:
    """Stored a quarter turn to the left, with EXIF orientation 6: turn right to view."""
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(photo_HW3)))
    return _jpeg(turned, exif=exif.tobytes())


def _jpeg(image: Image.Image, quality: int = _QUALITY, exif: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()
