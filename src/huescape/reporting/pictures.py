"""Pictures put into the page itself, so that it stays whole when it is mailed or moved."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from huescape.base.digests import remedy
from huescape.base.errors import HuescapeError

# Base64 adds a third: pictures of 6 MB make a page of about 8 MB, which a phone still opens.
PAGE_BUDGET = 6_000_000
# What the stages write; Pillow knows formats that start other programs.
_FORMATS = ("PNG", "JPEG")
_QUALITIES = (92, 86, 78, 68)


@dataclass(frozen=True)
class Picture:
    """A data URI, the size in pixels of what it holds, and a relative link to its file, if any."""

    uri: str
    width: int
    height: int
    link: str


def embed(path: Path, page: Path, budget: int, final: Path | None = None, *, stage: str) -> Picture:
    """Put the picture at `path` into a data URI of at most about 4/3 `budget` bytes.

    A PNG within the budget goes in as it is. A larger one goes in as JPEG without chroma
    subsampling (the colors are what is shown), at falling quality and then falling size.
    The link leads to `path`, or to `final` for a file that is still to be renamed to that.
    Raises HuescapeError when the file is not a picture; names the `stage` that makes it again.
    """
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            opened.verify()  # the CRC-32 of every chunk of a PNG, which decoding leaves out
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            kind, image = opened.format, opened.convert("RGB")
    except UnidentifiedImageError as error:  # its own message names an object in memory
        raise HuescapeError(f"{path}: not a picture that can be read; {remedy(stage)}") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises any of them on a PNG
        raise HuescapeError(
            f"{path}: not a picture that can be read: {error}; {remedy(stage)}"
        ) from error
    form = "png"
    if kind != "PNG" or len(content) > budget:
        form = "jpeg"
        content, image = _shrink(image, budget)
    return Picture(_uri(form, content), image.width, image.height, link(final or path, page))


def embed_array(rgb_HW3: npt.NDArray[np.uint8], budget: int) -> Picture:
    """A photo (H, W, 3) as JPEG of at most about `budget` bytes, as `embed` makes one."""
    content, image = _shrink(Image.fromarray(rgb_HW3), budget)
    return Picture(_uri("jpeg", content), image.width, image.height, "")


def drawn(content: bytes) -> Picture:
    """A PNG that was drawn for the page alone, as it is."""
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        return Picture(_uri("png", content), image.width, image.height, "")


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _shrink(image: Image.Image, budget: int) -> tuple[bytes, Image.Image]:
    """The best JPEG within `budget` bytes; below 64 pixels the budget gives way."""
    while True:
        for quality in _QUALITIES:
            content = _jpeg(image, quality)
            if len(content) <= budget:
                return content, image
        if min(image.size) <= 64:
            return content, image
        smaller = (image.width * 4 // 5, image.height * 4 // 5)
        image = image.resize(smaller, Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    # Without `optimize`: it needs all of the output in one buffer, which a noisy picture overflows.
    image.save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def link(path: Path, page: Path) -> str:
    """From the page to a file, as an address."""
    relative = os.path.relpath(path.resolve(), page.resolve().parent)
    return quote(Path(relative).as_posix())
