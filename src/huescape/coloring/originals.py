"""A photo's file with everything in it that a result keeps: levels of 8 or 16 bits, alpha, EXIF.

Its pixels are brought to sRGB from the profile that it carries, and turned upright.

Shape suffixes: H rows and W columns of the photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.base.memory import explained_by
from huescape.coloring import sixteen_bits
from huescape.coloring.decoded import channels
from huescape.coloring.metadata import Metadata, late_exif, metadata_of
from huescape.coloring.prediction import as_rgb, eight_bits
from huescape.coloring.srgb import to_srgb
from huescape.coloring.strips import strips
from huescape.photos import MAX_PIXELS, PhotoError, read_bytes
from huescape.photos.colors import check_pixels
from huescape.photos.errors import decoder_errors
from huescape.photos.formats import open_image

Pixels = npt.NDArray[Any]
T = TypeVar("T")

_TURNED: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


@dataclass(frozen=True)
class Original:
    """A photo as its file has it, but upright and in sRGB.

    Attributes:
        pixels: RGB (H, W, 3) or gray (H, W), uint8 or uint16.
        alpha: (H, W) of the same dtype, the highest opaque; None for none.
        metadata: EXIF and the like.
        is_lossless: whether it is a WebP that was compressed without loss.
        words: what a person may want to know of how it was read.
    """

    pixels: Pixels
    alpha: Pixels | None
    metadata: Metadata
    is_lossless: bool
    words: tuple[str, ...]


def read_original(data: bytes, max_pixels: int) -> Original:
    """Decode a photo with everything in it; of an animation or of pages, the first.

    Raises PhotoError as `open_photo` does. A profile or EXIF that is damaged costs no photo.
    """
    with decoder_errors(data, max_pixels):
        image = open_image(data)
        check_pixels(image, data)
        late_exif(image, data)
        words = _more_than_one(image)
        more: list[str] = []
        kept, left = metadata_of(image, data)
        icc = image.info.get("icc_profile") or b""
        is_lossless = image.format == "WEBP" and _has_chunk(data, b"VP8L")
        turn = _orientation(image)
        deep = sixteen_bits.color(image, data)
        if deep is not None:
            pixels, alpha = deep
        else:
            pixels, alpha, more = channels(image, data)
            turn = _orientation(image)  # Pillow has turned the pixels of a TIFF by now
        pixels, doubts = to_srgb(pixels, icc)
    if turn in _TURNED:
        pixels = np.ascontiguousarray(_TURNED[turn](pixels))
        alpha = None if alpha is None else np.ascontiguousarray(_TURNED[turn](alpha))
    return Original(pixels, alpha, kept, is_lossless, (*words, *left, *more, *doubts))


def on_white(pixels: Pixels, alpha: Pixels | None) -> Pixels:
    """What is seen of transparent pixels in front of white, of their shape and dtype."""
    if alpha is None:
        return pixels
    out = np.empty_like(pixels)
    most = np.float32(np.iinfo(pixels.dtype).max)
    for rows in strips((pixels.shape[0], pixels.shape[1])):
        share = alpha[rows].astype(np.float32) / most
        share = share[..., None] if pixels.ndim == 3 else share
        out[rows] = np.rint(pixels[rows] * share + (1 - share) * most).astype(pixels.dtype)
    return out


def read_seen(data: bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """What is seen of a photo, RGB uint8 (H, W, 3): in sRGB, upright and in front of white.

    Raises PhotoError as `open_photo` does.
    """
    original = read_original(data, max_pixels)
    return eight_bits(as_rgb(on_white(original.pixels, original.alpha)))


def on_photo(photo: Path, size: int, work: Callable[[npt.NDArray[np.uint8]], T]) -> T:
    """What `work` makes of a photo's pixels, RGB uint8 (H, W, 3), at `--size` `size`.

    Raises HuescapeError, without the photo's name, where it cannot be read or memory runs out.
    """
    pixels = "the photo"
    try:
        with explained_by(lambda: out_of_memory(pixels, size)):
            original = read_seen(read_bytes(photo))
            pixels = said_size(original)
            return work(original)
    except PhotoError as error:
        raise HuescapeError(why_not(error, photo)) from error


def out_of_memory(pixels: str, size: int) -> HuescapeError:
    """What to say where memory runs out for `pixels`."""
    return HuescapeError(
        f"out of memory for {pixels} at --size {size}; lower --size, or shrink the photo"
    )


def said_size(pixels: Pixels) -> str:
    """For people: `4000 x 3000 pixels`."""
    return f"{pixels.shape[1]} x {pixels.shape[0]} pixels"


def why_not(error: PhotoError, photo: Path) -> str:
    """Why a photo cannot be used, without its name."""
    words = {"missing": "cannot be read", "undecodable": "is not a photo, or damaged"}
    detail = error.detail.removeprefix(f"{photo}: ")
    return ": ".join(filter(None, [words.get(error.reason, "cannot be used"), detail]))


def _more_than_one(image: Image.Image) -> list[str]:
    """That there are more frames or pages; a damaged second one is nobody's business here."""
    try:
        count = int(getattr(image, "n_frames", 1))
    except Exception:
        return []
    return [f"the first of its {count} pictures was colored"] if count > 1 else []


def _orientation(image: Image.Image) -> int:
    """1 to 8; a damaged EXIF block counts as none."""
    try:
        # Not PNG's own, which decodes the photo in search of a block that `late_exif` has found.
        value = Image.Image.getexif(image).get(0x0112, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) else 1


def _has_chunk(data: bytes, name: bytes) -> bool:
    """Whether a RIFF file has a chunk of this name."""
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] == name:
            return True
        at += 8 + (int.from_bytes(data[at + 4 : at + 8], "little") + 1 & ~1)
    return False
