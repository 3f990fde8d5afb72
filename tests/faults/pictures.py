"""Builders of pictures that Pillow would not write: bare PNG and TIFF files, odd headers."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

RED, GREEN, WHITE, BLACK = (200, 30, 20), (20, 180, 40), (255, 255, 255), (0, 0, 0)
# 16 x 12 pixels, red on the left and green on the right: nothing at hand writes HEIC.
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004eZDn*}000000000XXk=`10000000000aA{+70000000000000000"
    "0000B57=IV*mgE07O6l0RRC200001pa1~?00000004mi001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01"
    "j|zbZr0t000010002|X>f9I0002oX>en20001WXm(>m0RwOV0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU000"
    "93kN^M!000939=ZZRVE_RDDMA4O18@KU0|1Z!00RI30{|YNAb|yz>aLpR;31&EfB*mtfB*mk0EA)y0RRR>0l{;@i2wi"
    "q6Ju{|a&BX6cmM$a4FCp!0000KX>)L8000000000$0000$0000eV{Bn?0000G000010000C00001|NsBc00002|NsBY"
    "000020000GaA|mH000000|*ER0000OX>e^}0000000001009Mo0s{qv0001qZDe6|0001eC;_hqG8)sRfL%bN+v39i|"
    "ElZI`EK9Se1qTovj6=T66?+PArc6%akcVQXBJAoDBth@N>KfB|IklUGJ2;a^|{esU__+W4XubL*lHi$S*JIeL5grk*Q"
    "!7-2LO1>)YU7ialnA{5rBo7Q0z=fYwVh$U3x*)mn^BPfB"
)


def plain(width: int = 24, height: int = 16) -> Image.Image:
    """Red on the left, green on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height))
    return image


def noise(width: int = 60, height: int = 40) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    size, check = struct.pack(">I", len(content)), struct.pack(">I", zlib.crc32(kind + content))
    return size + kind + content + check


def png(
    lines: Sequence[bytes],
    width: int,
    *,
    depth: int = 8,
    color: int = 2,
    height: int | None = None,
    before: bytes = b"",
    end: bytes | None = None,
) -> bytes:
    """A PNG of unfiltered `lines`; `before` are chunks that stand before the pixels."""
    rows = len(lines) if height is None else height
    header = struct.pack(">IIBBBBB", width, rows, depth, color, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line for line in lines)))
    tail = chunk(b"IEND", b"") if end is None else end
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + body + tail


def tiff(
    pixels: bytes,
    width: int,
    height: int = 1,
    *,
    order: str = "<",
    bits: Sequence[int] = (8,),
    photometric: int = 1,
    extra: Mapping[int, Sequence[int]] | None = None,
) -> bytes:
    """An uncompressed TIFF of one strip; `extra` are tags of unsigned 16 bits."""
    tags: dict[int, tuple[str, Sequence[int]]] = {
        256: ("I", (width,)), 257: ("I", (height,)), 258: ("H", tuple(bits)), 259: ("H", (1,)),
        262: ("H", (photometric,)), 273: ("I", (8,)), 277: ("H", (len(bits),)),
        278: ("I", (height,)), 279: ("I", (len(pixels),)),
    }  # fmt: skip
    tags |= {tag: ("H", tuple(values)) for tag, values in (extra or {}).items()}
    pixels += bytes(len(pixels) % 2)
    start = 8 + len(pixels)
    at = start + 2 + 12 * len(tags) + 4
    entries, values_after = b"", b""
    for tag in sorted(tags):
        code, values = tags[tag]
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(packed) > 4:
            place = struct.pack(f"{order}I", at + len(values_after))
            values_after += packed
        else:
            place = packed.ljust(4, b"\0")
        kind = {"H": 3, "I": 4}[code]
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + place
    count, last = struct.pack(f"{order}H", len(tags)), struct.pack(f"{order}I", 0)
    mark = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    return mark + pixels + count + entries + last + values_after


def resized_header(data: bytes, kind: str, width: int, height: int) -> bytes:
    """The same file, with another size in its header."""
    changed = bytearray(data)
    if kind == "PNG":
        changed[16:24] = struct.pack(">II", width, height)
        changed[29:33] = struct.pack(">I", zlib.crc32(bytes(changed[12:29])))
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        changed[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "BMP":
        changed[18:26] = struct.pack("<ii", width, height)
    elif kind == "GIF":
        changed[6:10] = struct.pack("<HH", width, height)
    elif kind == "JPEG2000":
        at = data.index(b"ihdr") + 4
        changed[at : at + 8] = struct.pack(">II", height, width)
    elif kind == "PPM":
        return data.replace(b"24 16", f"{width} {height}".encode(), 1)
    return bytes(changed)
