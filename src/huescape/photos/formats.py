"""Which formats are read: opened by an explicit list, and never by what else Pillow knows.

Pillow looks at the bytes, not at the name, and some of what it knows starts other programs
(PostScript runs Ghostscript) or is hardly ever tested. Nothing here depends on a file's name.
"""

from __future__ import annotations

import io

import pi_heif
from PIL import Image, PngImagePlugin

# pi-heif is the part of pillow-heif that only decodes: LGPL, without the GPL encoder x265.
pi_heif.register_heif_opener()
# A picture editor's XMP is often larger than Pillow's 1 MiB a chunk; the sum stays bounded.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY

#: Pillow's names. MPO is a JPEG to it; of animations and pages, the first is read.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF", "HEIF", "PPM")

_OTHER_PICTURES = (
    (b"%!", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"<svg", "an SVG drawing"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\1\0", "an icon"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"\x1aE\xdf\xa3", "a video"),
)
_NO_PICTURES = (
    (b"<!doctype", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "XML text"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
)
_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1")
_UNSUPPORTED = ("unknown pixel mode", "not supported", "unsupported", "not available", "unknown")


def open_image(data: bytes) -> Image.Image:
    """Read the header of a picture in one of FORMATS; Pillow's errors are those of Image.open."""
    return Image.open(io.BytesIO(data), formats=FORMATS)


def why_not_opened(data: bytes) -> tuple[str, str]:
    """(`undecodable` or `unsupported`, why) of bytes that `open_image` does not identify."""
    if not data:
        return "undecodable", "the file is empty"
    if not any(data[:4096]):
        return "undecodable", "not an image: it begins with zero bytes"
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, words in _OTHER_PICTURES:
        if data.startswith(magic) or start.startswith(magic.lower()):
            return "unsupported", f"{words}, which is not read"
    if data[4:8] == b"ftyp" and data[8:12] not in _IMAGE_BRANDS:
        brand = data[8:12].decode("ascii", "replace").strip()
        return "unsupported", f"a video or raw container ({brand!a}), which is not read"
    for magic, words in _NO_PICTURES:
        if start.startswith(magic):
            return "undecodable", f"not an image: {words}"
    return _what_the_opener_said(data)


def _what_the_opener_said(data: bytes) -> tuple[str, str]:
    """Pillow drops what the format's own opener raises, so it is asked once more."""
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(data[:16]) is not True:
            continue
        try:
            factory(io.BytesIO(data), "")
        except Exception as error:  # openers raise anything
            text = " ".join(str(error).split()) or type(error).__name__
            reason = "unsupported" if any(w in text.lower() for w in _UNSUPPORTED) else ""
            return reason or "undecodable", f"damaged {name} file: {text}"
    return "undecodable", "not an image"
