"""Which formats are opened, and that nothing else is ever run."""

from __future__ import annotations

import ast
import base64
import io
import os
from pathlib import Path
from subprocess import CalledProcessError

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from huescape.photos import PhotoError, decode_photo, open_photo, oriented_size
from huescape.photos.formats import FORMATS
from huescape.sources.walk import SUFFIXES

ROOT = Path(__file__).parents[2]
EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 120 120
%%EndComments
1 0 0 setrgbcolor 0 0 120 120 rectfill
showpage
%%EOF
"""
# 16 x 12 pixels, red on the left and green on the right; the second is to be turned by 90 degrees.
HEIC = (
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004eZDn*}000000000XXk=`10000000000aA{+70000000000000000"
    "0000B57=IV*mgE07O6l0RRC200001pa1~?00000004mi001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01"
    "j|zbZr0t000010002|X>f9I0002oX>en20001WXm(>m0RwOV0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU000"
    "93kN^M!000939=ZZRVE_RDDMA4O18@KU0|1Z!00RI30{|YNAb|yz>aLpR;31&EfB*mtfB*mk0EA)y0RRR>0l{;@i2wi"
    "q6Ju{|a&BX6cmM$a4FCp!0000KX>)L8000000000$0000$0000eV{Bn?0000G000010000C00001|NsBc00002|NsBY"
    "000020000GaA|mH000000|*ER0000OX>e^}0000000001009Mo0s{qv0001qZDe6|0001eC;_hqG8)sRfL%bN+v39i|"
    "ElZI`EK9Se1qTovj6=T66?+PArc6%akcVQXBJAoDBth@N>KfB|IklUGJ2;a^|{esU__+W4XubL*lHi$S*JIeL5grk*Q"
    "!7-2LO1>)YU7ialnA{5rBo7Q0z=fYwVh$U3x*)mn^BPfB"
)
TURNED_HEIC = (
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0005UZDn*}000000000XXk=`10000000000aA{+70000000000000000"
    "0000G-+&aV*mgE07O6l0ssL300001>i_`&00000004mi0ssI200L|P0RR9100000Bme*aIB98aW&i*H00062000$fZf"
    "0cy000000RRAKc4ILB0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031009PRaB^?}008A_aAR)(004Dpc4I"
    ">U18@KU0FVFx0000U@BsY%`1k+-4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096gLID8-Z~y=U0FVFx0{{R"
    "603M(qfd!W8uA1iHA)vs3000bt00093gkk^z00u+>!E?ch0000JV{dG7ZewhC0096E00w{n000zeb8uw<00000002M$"
    "002M$001asY+-N!000mG00031000aC00061|Nqbc00092|NqPY00062000nhX?SS>000032nYxO000STa&L440000PX"
    ">e^}0000000001009Pp0s{qvh5!Hn8fkK6W&i*H000004r63<V*mmG0RRC2006CRWMOmw004a`0j~x!8q=kKT|lGT;="
    "=#`s_W4CZr{^<gWvqJ|NR#d>&^Ee5(uzywenSG7D~S;-|zoQQ2lcM&`(n`dZ#7zxzS%>M5NXYt%xVsY9HNMr#G5Gif~"
    "8Qsz5IX0C>yP)hnxUz<~1+fQ6b+>`Y2)?3$uodO_8fEUBx200006MR;ju002!*04e|g00;m90TKWM0000100sa60000"
    "0"
)


def encoded(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (24, 16), (200, 30, 20)).save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that appears when Ghostscript is run; it is first in PATH."""
    mark = tmp_path / "ghostscript-was-run"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # Pillow remembers where it found it
    return mark


def test_postscript_is_never_run(mark: Path) -> None:
    """Not as an EPS file, and not behind the preview header of the DOS kind."""
    dos = b"\xc5\xd0\xd3\xc6" + (30).to_bytes(4, "little") + len(EPS).to_bytes(4, "little")
    for data in (EPS, dos + bytes(18) + EPS):
        for read in (open_photo, decode_photo, oriented_size):
            with pytest.raises(PhotoError, match="PostScript, which is not read") as caught:
                read(data)
            assert caught.value.reason == "unsupported"
    assert not mark.exists()
    # The witness is a true one: Pillow itself runs it.
    with pytest.raises(CalledProcessError), Image.open(io.BytesIO(EPS)) as image:
        image.load()
    assert mark.exists()


def test_every_open_names_its_formats() -> None:
    """No call of Image.open without `formats`, in whatever we run on files of others."""
    bare = []
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            opens = node.func.attr == "open" and ast.unparse(node.func.value).endswith("Image")
            if opens and "formats" not in {keyword.arg for keyword in node.keywords}:
                bare.append(f"{path}:{node.lineno}")
    assert not bare


@pytest.mark.parametrize("kind", [k for k in FORMATS if k != "HEIF"] + ["MPO"])
def test_every_format_is_read(kind: str) -> None:
    pixels = np.asarray(open_photo(encoded(kind)))
    assert pixels.shape == (16, 24, 3)
    np.testing.assert_allclose(pixels.reshape(-1, 3), [(200, 30, 20)] * 384, atol=6)


def test_heic_is_read_as_its_camera_held_it() -> None:
    data = base64.b85decode(HEIC)
    pixels = np.asarray(open_photo(data)).astype(int)
    assert oriented_size(data) == (16, 12)
    assert pixels.shape == (12, 16, 3)
    np.testing.assert_allclose(pixels[:, :6], np.full((12, 6, 3), (200, 30, 20)), atol=12)
    np.testing.assert_allclose(pixels[:, 10:], np.full((12, 6, 3), (20, 180, 40)), atol=12)
    data = base64.b85decode(TURNED_HEIC)
    pixels = np.asarray(open_photo(data)).astype(int)
    assert oriented_size(data) == (12, 16)
    np.testing.assert_allclose(pixels[:6], np.full((6, 12, 3), (200, 30, 20)), atol=12)


def test_every_suffix_belongs_to_a_format_that_is_read() -> None:
    Image.init()
    assert {Image.EXTENSION[suffix] for suffix in SUFFIXES} <= {*FORMATS, "MPO"}
    assert {*FORMATS} <= {Image.EXTENSION[suffix] for suffix in SUFFIXES}
