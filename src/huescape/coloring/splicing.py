"""EXIF, XMP, resolution and color profile put into a file that was encoded without them.

The encoder that is fast and knows 16 bits knows no metadata. Nothing is decoded again: segments,
chunks and tags are put in between. Each function gives the new file in pieces.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction

from huescape.coloring.metadata import (
    EXIF_START,
    OF_PIXELS,
    RESOLUTION_TAGS,
    XMP_TAG,
    Metadata,
)
from huescape.coloring.tags import (
    TagError,
    Tags,
    in_order,
    packed,
    rational,
    read_tags,
    shorts,
    undefined,
)

Pieces = Sequence[bytes | memoryview]

_XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_ICC_START = b"ICC_PROFILE\0\1\1"
#: What a segment of a JPEG holds at most.
_SEGMENT = 65_533
_PROFILE_TAG, _EXTRA_SAMPLES_TAG = 34675, 338
_UNASSOCIATED, _INCH = 2, 2


def into_jpeg(encoded: memoryview, kept: Metadata, icc: bytes) -> tuple[Pieces, list[str]]:
    """A JPEG with the rest, and words on what is too large for its segments."""
    words = []
    segments = [b"\xff\xd8", _segment(0xE0, b"JFIF\0\1\1" + _jfif_density(kept) + b"\0\0")]
    for name, marker, start, content in (
        ("EXIF", 0xE1, EXIF_START, kept.exif),
        ("XMP", 0xE1, _XMP_START, kept.xmp),
    ):
        if len(start + content) > _SEGMENT:
            words.append(f"its {name} is not kept: {len(content):,} bytes are too many for a JPEG")
        elif content:
            segments.append(_segment(marker, start + content))
    segments.append(_segment(0xE2, _ICC_START + icc))
    rest = 2
    if bytes(encoded[2:4]) == b"\xff\xe0":  # the encoder's own JFIF segment
        rest = 4 + int.from_bytes(encoded[4:6], "big")
    return [*segments, encoded[rest:]], words


def into_png(encoded: memoryview, kept: Metadata, icc: bytes) -> Pieces:
    """A PNG with the rest, which stands between its header and its pixels."""
    chunks = [_chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(icc))]
    if kept.dpi:
        a_meter = [min(round(value / 0.0254), 2**31 - 1) for value in kept.dpi]
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", *a_meter, 1)))
    if kept.exif:
        chunks.append(_chunk(b"eXIf", kept.exif))
    if kept.xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + kept.xmp))
    header = 8 + 12 + int.from_bytes(encoded[8:12], "big")
    return [encoded[:header], *chunks, encoded[header:]]


def into_tiff(encoded: memoryview, kept: Metadata, icc: bytes, has_alpha: bool) -> Pieces:
    """A TIFF with the rest: its directory is written again, behind all else."""
    order, own = read_tags(encoded)
    merged = Tags()
    with suppress(TagError):  # damaged, as it was in the photo
        before, tags = read_tags(kept.exif)
        merged.update(in_order(tags, before, order))
    for number in (*OF_PIXELS, *(RESOLUTION_TAGS if kept.dpi else ())):
        merged.pop(number, None)
    merged.update({tag: field for tag, field in own.items() if tag not in RESOLUTION_TAGS})
    if kept.dpi:
        fractions = [Fraction(value).limit_denominator(10_000) for value in kept.dpi]
        for tag, value in zip(RESOLUTION_TAGS, fractions, strict=False):
            merged[tag] = rational(order, value.numerator, value.denominator)
        merged[RESOLUTION_TAGS[2]] = shorts(order, _INCH)
    if has_alpha:
        merged[_EXTRA_SAMPLES_TAG] = shorts(order, _UNASSOCIATED)
    if kept.xmp:
        merged[XMP_TAG] = undefined(kept.xmp)
    merged[_PROFILE_TAG] = undefined(icc)
    at = len(encoded) + len(encoded) % 2
    header = bytes(encoded[:4]) + struct.pack(f"{order}I", at)
    padding = b"\0" * (at - len(encoded))
    return [header, encoded[8:], padding, packed(order, merged, at)]


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _jfif_density(kept: Metadata) -> bytes:
    if not kept.dpi:
        return struct.pack(">BHH", 0, 1, 1)
    across, down = (min(max(1, round(value)), 65_535) for value in kept.dpi)
    return struct.pack(">BHH", 1, across, down)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
