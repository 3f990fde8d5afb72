"""A corpus of pixel formats, each with its verdict: the right colors, or a true reason."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.faults.pictures import BLACK, GREEN, HEIC, RED, WHITE, chunk, plain, png, saved, tiff
from tests.faults.verdicts import BAD, ODD, Case, check


def tiff_pixels() -> list[Case]:
    cases = []
    for bits in (1, 2, 4, 8, 16):
        low_high = {1: b"\x40", 2: b"\x30", 4: b"\x0f", 8: b"\0\xff", 16: b"\0\0\xff\xff"}[bits]
        for order in "<>":
            for photometric, left in ((0, WHITE), (1, BLACK)):
                data = tiff(low_high, 2, order=order, bits=(bits,), photometric=photometric)
                name = f"TIFF of {bits} bits, {order}, photometric {photometric}"
                unknown = (bits, order, photometric) == (16, ">", 0)
                cases.append(
                    Case(name, data, ODD if unknown else (2, 1), None if unknown else left)
                )
    signed, real = {339: (2,)}, {339: (3,)}
    lab = tiff(bytes(6), 2, bits=(8, 8, 8), photometric=8)
    rgb16 = (51400, 7710, 5140)
    ycc = {"bits": (8, 8, 8), "photometric": 6}
    inks = {"bits": (8, 8, 8, 8), "photometric": 5}
    lzw = Image.fromarray(np.array([[65535, 0]], np.uint16))
    return [
        *cases,
        Case("TIFF of 12 bits, white", tiff(b"\xff\xf0\x00", 2, bits=(12,)), (2, 1), WHITE),
        Case(
            "TIFF of 12 bits, half", tiff(b"\x80\x00\x00", 2, bits=(12,)), (2, 1), (128, 128, 128)
        ),
        Case("TIFF of signed bytes", tiff(b"\x80\x7f", 2, extra=signed), ODD, None, "signed"),
        Case(
            "TIFF of signed 16 bits",
            tiff(bytes(4), 2, bits=(16,), extra=signed),
            ODD,
            None,
            "integers",
        ),
        Case("TIFF of 32 bits", tiff(bytes(8), 2, bits=(32,)), ODD, None, "integers"),
        Case("TIFF of floats", tiff(bytes(8), 2, bits=(32,), extra=real), ODD, None, "floating"),
        Case(
            "TIFF of doubles", tiff(bytes(16), 2, bits=(64,), extra=real), ODD, None, "pixel mode"
        ),
        Case(
            "TIFF of RGB floats", tiff(bytes(24), 2, bits=(32,) * 3, photometric=2, extra=real), ODD
        ),
        Case("TIFF of Lab", lab, ODD, None, "Lab"),
        *(
            Case(
                f"TIFF of RGB 16 bits, {order}",
                tiff(
                    struct.pack(f"{order}3H", *rgb16), 1, order=order, bits=(16,) * 3, photometric=2
                ),
                (1, 1),
                RED,
            )
            for order in "<>"
        ),
        Case("TIFF of CMYK, no ink", tiff(bytes(8), 2, **inks), (2, 1), WHITE),
        Case("TIFF of other inks", tiff(bytes(8), 2, **inks, extra={332: (2,)}), ODD, None, "inks"),
        Case(
            "TIFF of YCbCr", tiff(b"\xff\x80\x80" * 2, 2, **ycc, extra={530: (1, 1)}), (2, 1), WHITE
        ),
        Case(
            "TIFF of YCbCr, subsampled",
            tiff(bytes(6), 2, **ycc, extra={530: (2, 2)}),
            ODD,
            None,
            "YCbCr",
        ),
        Case("TIFF of YCbCr, as by default", tiff(bytes(6), 2, **ycc), ODD, None, "YCbCr"),
        Case(
            "TIFF that begins with a thumbnail", tiff(b"\0", 1, extra={254: (1,)}), ODD, None, "raw"
        ),
        Case(
            "TIFF of 16 bits, LZW, white is 0",
            saved(lzw, "TIFF", compression="tiff_lzw", tiffinfo={262: 0}),
            (2, 1),
            BLACK,
        ),
        Case("TIFF that is big", saved(plain(), "TIFF", big_tiff=True), (24, 16), RED),
        Case("TIFF of unknown color", tiff(b"\0\0", 2, photometric=32803), ODD, None, "pixel mode"),
    ]


def png_pixels() -> list[Case]:
    clear = {"before": chunk(b"tRNS", b"\0\1")}
    text = zlib.compress(b"x" * 2_000_000)
    huge = zlib.compress(bytes(70_000_000))
    high = struct.pack(">3H", 51400, 7710, 5140)
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x>" * 700_000)
    broken = bytearray(saved(plain(), "PNG"))
    broken[-20] ^= 255
    return [
        Case(
            "PNG of 1 bit, one level clear",
            png([b"\x80"], 2, depth=1, color=0, **clear),
            (2, 1),
            WHITE,
        ),
        Case(
            "PNG of 1 bit, black stays", png([b"\x40"], 2, depth=1, color=0, **clear), (2, 1), BLACK
        ),
        Case(
            "PNG of 2 bits, one level clear",
            png([b"\x40"], 2, depth=2, color=0, **clear),
            (2, 1),
            WHITE,
        ),
        Case(
            "PNG of 4 bits, one level clear",
            png([b"\x10"], 2, depth=4, color=0, **clear),
            (2, 1),
            WHITE,
        ),
        Case("PNG of 8 bits, one level clear", png([b"\1\2"], 2, color=0, **clear), (2, 1), WHITE),
        Case(
            "PNG of 16 bits, one level clear",
            png([b"\0\1\0\2"], 2, depth=16, color=0, **clear),
            (2, 1),
            WHITE,
        ),
        Case("PNG of 16 bits", png([b"\xff\xff\0\0"], 2, depth=16, color=0), (2, 1), WHITE),
        Case("PNG of RGB 16 bits", png([high], 1, depth=16), (1, 1), RED),
        Case(
            "PNG of RGB 16 bits, one clear",
            png([high], 1, depth=16, before=chunk(b"tRNS", high)),
            ODD,
            None,
            "16 bits",
        ),
        Case(
            "PNG of RGB, one clear",
            png([bytes(RED)], 1, before=chunk(b"tRNS", b"\0\xc8\0\x1e\0\x14")),
            (1, 1),
            WHITE,
        ),
        Case(
            "PNG with 2 MB of text",
            png([bytes(RED)], 1, before=chunk(b"zTXt", b"k\0\0" + text)),
            (1, 1),
            RED,
        ),
        Case("PNG with 2 MB of XMP", png([bytes(RED)], 1, before=xmp), (1, 1), RED),
        Case(
            "PNG with a bomb of text",
            png([bytes(RED)], 1, before=chunk(b"zTXt", b"k\0\0" + huge)),
            ODD,
            None,
            "64 MiB",
        ),
        Case(
            "PNG with a broken profile",
            png([bytes(RED)], 1, before=chunk(b"iCCP", b"x\0\0zzz")),
            (1, 1),
            RED,
        ),
        Case("PNG with a wrong checksum", bytes(broken), BAD),
        Case("PNG without pixels", b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), BAD),
        Case("PNG of an impossible depth", png([b"\0"], 1, depth=7, color=0), BAD, None, "PNG"),
        Case("PNG of an impossible color", png([b"\0"], 1, color=5), BAD, None, "PNG"),
        Case("PNG palette without a palette", png([b"\0\0"], 2, color=3), (2, 1)),
        Case(
            "PNG of too few lines, as browsers show it", png([bytes(RED)], 1, height=9), (1, 9), RED
        ),
    ]


def modes() -> list[Case]:
    image = plain()
    clear = Image.new("RGBA", (24, 16), (*RED, 0))
    second = Image.new("RGB", (24, 16), GREEN)
    pages = {"save_all": True, "append_images": [second]}
    cases = [
        Case(f"{mode} as {kind}", saved(image.convert(mode), kind), (24, 16))
        for kind, some in {
            "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
            "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"),
            "JPEG": ("1", "L", "RGB", "CMYK", "YCbCr"),
            "WEBP": ("L", "RGB", "RGBA"),
            "BMP": ("1", "L", "P", "RGB", "RGBA"),
            "JPEG2000": ("L", "LA", "RGB", "RGBA"),
            "GIF": ("1", "L", "P", "RGB"),
        }.items()
        for mode in some
        if (kind, mode) != ("TIFF", "YCbCr")
    ]
    cases += [
        Case(f"{kind} of transparent pixels", saved(clear, kind), (24, 16), WHITE)
        for kind in ("PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "GIF")
    ]
    cases += [
        Case(f"{kind} of two frames", saved(image, kind, **pages), (24, 16), RED)
        for kind in ("PNG", "TIFF", "WEBP", "GIF", "MPO", "AVIF")
    ]
    floats = Image.fromarray(np.ones((4, 4), np.float32))
    integers = Image.fromarray(np.ones((4, 4), np.int32))
    return [
        *cases,
        Case("floats by Pillow", saved(floats, "TIFF"), ODD, None, "floating"),
        Case("integers by Pillow", saved(integers, "TIFF"), ODD, None, "integers"),
        Case("PFM floats", saved(floats, "PPM"), ODD, None, "floating"),
        Case("PGM of 16 bits", b"P5 2 1 65535\n\xff\xff\0\0", (2, 1), WHITE),
        Case(
            "PPM of 16 bits", b"P6 1 1 65535\n" + struct.pack(">3H", 51400, 7710, 5140), (1, 1), RED
        ),
        Case("HEIC", HEIC, (16, 12)),
        Case(
            "JPEG of 12 bits",
            saved(image, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
            ODD,
            None,
            "JPEG",
        ),
    ]


CASES = [*tiff_pixels(), *png_pixels(), *modes()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    check(case, capfd)
