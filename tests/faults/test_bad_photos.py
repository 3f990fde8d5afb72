"""A corpus of hostile and odd photos, each with its verdict: its size and color, or the reason."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from tests.faults.pictures import (
    HEIC,
    RED,
    noise,
    plain,
    png,
    resized_header,
    saved,
    tiff,
)
from tests.faults.verdicts import BAD, LARGE, ODD, Case, check

KINDS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF", "PPM")


def truncated() -> list[Case]:
    whole = {kind: saved(noise(), kind) for kind in KINDS} | {"HEIF": HEIC}
    shares = (0.0, 0.02, 0.3, 0.7)
    return [
        Case(f"{kind} cut at {share:.0%}", data[: int(len(data) * share)], BAD)
        for kind, data in whole.items()
        for share in shares
    ]


def wrong_magic() -> list[Case]:
    whole = {kind: saved(noise(), kind) for kind in KINDS} | {"HEIF": HEIC}
    return [
        Case(
            f"{kind} with a damaged start", data[:1] + b"\x7e\x7e\x7e" + data[4:12] + bytes(64), BAD
        )
        for kind, data in whole.items()
        if kind not in ("HEIF", "AVIF", "JPEG2000")
    ]


def other_content() -> list[Case]:
    texts = {
        "PostScript": (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
            ODD,
            "PostScript",
        ),
        "DOS EPS": (b"\xc5\xd0\xd3\xc6" + bytes(28) + b"%!PS", ODD, "PostScript"),
        "PDF": (b"%PDF-1.7\n1 0 obj\n", ODD, "PDF"),
        "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ODD, "SVG"),
        "SVG with a prolog": (b"<?xml version='1.0'?><svg/>", BAD, "XML"),
        "HTML": (b"<!DOCTYPE html><html><body>Log in</body></html>", BAD, "HTML"),
        "HTML after a mark": (b"\xef\xbb\xbf \n<HTML>", BAD, "HTML"),
        "Photoshop": (b"8BPS\0\1" + bytes(60), ODD, "Photoshop"),
        "JPEG XL": (b"\xff\x0a" + bytes(60), ODD, "JPEG XL"),
        "JPEG XL box": (b"\0\0\0\x0cJXL \r\n\x87\n", ODD, "JPEG XL"),
        "icon": (b"\0\0\1\0\1\0" + bytes(60), ODD, "icon"),
        "MP4": (b"\0\0\0\x18ftypisom" + bytes(60), ODD, "video"),
        "QuickTime": (b"\0\0\0\x14ftypqt  " + bytes(60), ODD, "video"),
        "Canon CR3": (b"\0\0\0\x18ftypcrx " + bytes(60), ODD, "raw"),
        "Fuji raw": (b"FUJIFILMCCD-RAW 0201", ODD, "raw"),
        "Matroska": (b"\x1aE\xdf\xa3" + bytes(60), ODD, "video"),
        "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", BAD, "git lfs"),
        "ZIP": (b"PK\3\4" + bytes(60), BAD, "ZIP"),
        "gzip": (b"\x1f\x8b\x08" + bytes(60), BAD, "gzip"),
        "text": (b"this is not a photo\n" * 9, BAD, "not an image"),
        "empty": (b"", BAD, "empty"),
        "one byte": (b"\xff", BAD, "not an image"),
        "zeros": (bytes(5000), BAD, "zero bytes"),
        "pickle": (b"\x80\x04cos\nsystem\n", BAD, "not an image"),
        "python": (b"#!/usr/bin/env python\nimport os\n", BAD, "not an image"),
        "SPIDER-like": (struct.pack(">27f", *([1.0] * 27)) + bytes(900), BAD, ""),
        "FITS": (b"SIMPLE  =                    T" + bytes(2900), BAD, "not an image"),
        "WMF": (b"\xd7\xcd\xc6\x9a\0\0" + bytes(60), BAD, "not an image"),
        "PCX": (b"\n\5\1\x08" + bytes(200), BAD, "not an image"),
        "XBM": (
            b"#define a_width 9\n#define a_height 9\nstatic char a[] = {0};",
            BAD,
            "not an image",
        ),
        "XPM": (b'/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c red", "a"};', BAD, "not an image"),
        "GIF header only": (b"GIF89a", BAD, ""),
        "RIFF without WebP": (b"RIFF\x10\0\0\0AVI LIST", BAD, "not an image"),
    }
    return [
        Case(f"{name} as .jpg", data, *rest[:1], None, rest[1])
        for name, (data, *rest) in texts.items()
    ]


def sizes() -> list[Case]:
    whole = {
        kind: saved(plain(), kind) for kind in ("PNG", "JPEG", "BMP", "GIF", "JPEG2000", "PPM")
    }
    cases = []
    for kind, data in whole.items():
        large = 65_000 if kind in ("JPEG", "GIF") else 100_000
        cases += [
            Case(
                f"{kind} of a giant size",
                resized_header(data, kind, large, large),
                LARGE,
                None,
                "limit",
            ),
        ]
        if kind != "GIF":  # whose frames have sizes of their own
            cases.append(Case(f"{kind} of width 0", resized_header(data, kind, 0, 16), BAD))
        if kind not in ("GIF", "PPM"):
            cases.append(Case(f"{kind} of height 0", resized_header(data, kind, 24, 0), BAD))
    bomb = png([bytes(30_000)], 10_000, height=10_000)
    return [
        *cases,
        Case("PNG that unpacks to little of its size", bomb, LARGE, None, "100,000,000 pixels"),
        Case("TIFF of a giant size", tiff(b"\0", 1 << 20, 1 << 20), LARGE, None, "limit"),
        Case("TIFF of width 0", tiff(b"\0", 0, 1), BAD),
        Case("TIFF of the largest numbers", tiff(b"\0", 2**32 - 1, 2**32 - 1), LARGE),
        Case("one pixel", saved(Image.new("RGB", (1, 1), RED), "PNG"), (1, 1), RED),
        Case("a line across", saved(Image.new("RGB", (3000, 1), RED), "PNG"), (3000, 1), RED),
        Case("a line down", saved(Image.new("RGB", (1, 3000), RED), "JPEG"), (1, 3000)),
    ]


def around() -> list[Case]:
    """Sound pixels with odd things before, beside and behind them."""
    jpeg, whole = saved(plain(), "JPEG", quality=95), saved(plain(), "PNG")
    cases = []
    for orientation in range(10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = 5 <= orientation <= 8
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            data = saved(plain(), kind, exif=exif)
            cases.append(
                Case(f"{kind} of orientation {orientation}", data, (16, 24) if turned else (24, 16))
            )
    exifs = {
        "empty": b"",
        "cut": b"Exif\0\0II*\0",
        "endless": b"Exif\0\0II*\0\x08\0\0\0" + b"\xff" * 40,
        "a loop": b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "text": b"Exif\0\0hello world",
    }
    cases += [
        Case(f"JPEG with an Exif block: {name}", saved(plain(), "JPEG", exif=content), (24, 16))
        for name, content in exifs.items()
    ]
    profile = saved(plain(), "JPEG", icc_profile=b"not a profile" * 9)
    return [
        *cases,
        Case("JPEG with a broken profile", profile, (24, 16)),
        Case("JPEG and a ZIP behind it", jpeg + b"PK\3\4" + bytes(500), (24, 16)),
        Case("JPEG and HTML behind it", jpeg + b"<script>alert(1)</script>", (24, 16)),
        Case("JPEG and PostScript behind it", jpeg + b"%!PS\nshowpage", (24, 16)),
        Case("JPEG and another behind it", jpeg + saved(noise(), "JPEG"), (24, 16)),
        Case("PNG and a JPEG behind it", whole + jpeg, (24, 16), RED),
        Case("PNG and PHP behind it", whole + b"<?php system($_GET[0]); ?>", (24, 16), RED),
        Case("JPEG behind a line of text", b"hello\n" + jpeg, BAD, None, "not an image"),
        Case("JPEG behind PostScript", b"%!PS\n" + jpeg, ODD, None, "PostScript"),
        Case("GIF that is JavaScript", b"GIF89a=1;" + bytes(40), BAD),
        Case("JPEG without its end", jpeg[:-2], BAD, None, "truncated"),
        Case("JPEG of two starts", jpeg[:2] + jpeg, BAD),
    ]


CASES = [
    *truncated(),
    *wrong_magic(),
    *other_content(),
    *sizes(),
    *around(),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    check(case, capfd)
