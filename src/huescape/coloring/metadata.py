"""What a photo's file says besides its pixels, and what of it a result keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PIL import Image

from huescape.coloring.tags import ORIENTATION, TagError, Tags, read_tags, to_block, upright

EXIF_START = b"Exif\0\0"
XMP_TAG = 700
RESOLUTION_TAGS = (282, 283, 296)
#: What a TIFF says of its own pixels, or keeps beside them: profile, layers of an editor.
OF_PIXELS = (
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284),
    *(288, 289, 290, 291, 292, 293, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327),
    *(328, 330, 332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 347, *range(512, 522)),
    *(529, 530, 531, 532, 34377, 34675, 37724),
)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[1-8]")


@dataclass(frozen=True)
class Metadata:
    """What goes with a picture from file to file.

    Attributes:
        exif: a block that begins with its TIFF header, of orientation 1; empty for none.
        xmp: a packet, of orientation 1; empty for none.
        dpi: dots per inch across and down; None where the file does not say.
    """

    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None


def metadata_of(image: Image.Image, data: bytes) -> tuple[Metadata, list[str]]:
    """What an opened image of the bytes `data` says, and words on what of it is not kept."""
    words: list[str] = []
    if image.format == "TIFF":
        exif, words = _tiff_block(data)
    else:
        exif = image.info.get("exif") or b""
        while exif.startswith(EXIF_START):
            exif = exif[len(EXIF_START) :]
        exif = upright(exif)
    return Metadata(exif, _xmp(image), _resolution(image)), words


def late_exif(image: Image.Image, data: bytes) -> None:
    """Let an opened PNG know the EXIF block that stands behind its pixels, if that is where it is.

    Pillow would decode all of them to find it.
    """
    at = 8
    while image.format == "PNG" and "exif" not in image.info and at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"eXIf":
            image.info["exif"] = EXIF_START + data[at + 8 : at + 8 + size]
        at += 12 + size


def _tiff_block(data: bytes) -> tuple[bytes, list[str]]:
    """The tags of a TIFF that say more than what its pixels are, as a block."""
    try:
        order, tags = read_tags(memoryview(data))
    except TagError:  # BigTIFF, which Pillow reads
        return b"", ["its EXIF is not kept, as it is a BigTIFF"]
    apart = {*OF_PIXELS, *RESOLUTION_TAGS, XMP_TAG, ORIENTATION}
    kept = Tags({tag: field for tag, field in tags.items() if tag not in apart})
    return (to_block(order, kept) if kept else b""), []


def _xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or b""
    if isinstance(packet, tuple):  # of bytes, as a damaged TIFF may have it
        return b""
    packet = packet.encode() if isinstance(packet, str) else bytes(packet)
    return _XMP_ORIENTATION.sub(rb"\g<1>1", packet)


def _resolution(image: Image.Image) -> tuple[float, float] | None:
    """As Pillow found it; None for what is no sensible number."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
