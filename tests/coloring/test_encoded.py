"""Results are files that other programs read: pixels, EXIF, XMP, resolution, tagged sRGB."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from huescape.base.errors import HuescapeError
from huescape.coloring.encoded import encoded
from huescape.coloring.metadata import Metadata
from huescape.coloring.originals import read_original
from tests.coloring.files import deep_tiff
from tests.coloring.systems import picture
from tests.coloring.test_tags import MAKER_NOTE, exif_block, meaning

RGB = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (24, 40, 3), dtype=np.uint16)
XMP = b"<x:xmpmeta>a title</x:xmpmeta>"
KINDS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF")


def file(kind: str, rgb: np.ndarray, *rest: object) -> bytes:
    alpha, kept, *lossless = (*rest, *(None, Metadata())[len(rest) :])
    pieces, _ = encoded(kind, rgb.copy(), alpha, kept, *lossless)
    return b"".join(pieces)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_nothing_is_lost_of_eight_or_sixteen_bits(kind: str) -> None:
    """By decoders that did not encode them."""
    np.testing.assert_array_equal(np.asarray(opened(file(kind, RGB))), RGB)
    data = file(kind, DEEP)
    if kind == "TIFF":
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), DEEP)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read[..., ::-1], DEEP)
    np.testing.assert_array_equal(read_original(data, 10**6).pixels, DEEP)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_little_is_lost_where_something_is(kind: str) -> None:
    smooth = picture(64, 64)
    read = np.asarray(opened(file(kind, smooth)).convert("RGB")).astype(int)
    assert np.abs(read - smooth).mean() < 1.5


def test_a_jpeg_has_its_colors_at_full_resolution() -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (200, 60, 60), (60, 60, 200)
    image = opened(file("JPEG", stripes))
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
    assert np.abs(np.asarray(image).astype(int) - stripes).mean() < 6


def test_a_webp_without_loss() -> None:
    data = file("WEBP", RGB, None, Metadata(), True)
    np.testing.assert_array_equal(np.asarray(opened(data)), RGB)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_alpha_is_kept(kind: str) -> None:
    alpha = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (24, 1))
    image = opened(file(kind, RGB, alpha))
    assert image.mode == "RGBA"
    found = np.asarray(image)[..., 3].astype(int)
    assert np.abs(found - alpha).max() <= (2 if kind == "AVIF" else 0)
    if kind in ("PNG", "TIFF"):
        np.testing.assert_array_equal(np.asarray(image)[..., :3], RGB)
        deep = file(kind, DEEP, alpha.astype(np.uint16) * 257)
        again = read_original(deep, 10**6)
        np.testing.assert_array_equal(again.pixels, DEEP)
        np.testing.assert_array_equal(again.alpha, alpha.astype(np.uint16) * 257)


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_is_tagged_srgb(kind: str) -> None:
    for levels in (RGB, DEEP) if kind in ("PNG", "TIFF") else (RGB,):
        icc = opened(file(kind, levels)).info["icc_profile"]
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_and_xmp_are_kept(kind: str, order: str) -> None:
    block = exif_block(order, orientation=1)
    for levels in (RGB, DEEP) if kind in ("PNG", "TIFF") else (RGB,):
        image = opened(file(kind, levels, None, Metadata(block, XMP, (300, 200))))
        assert image.info["xmp"] == XMP
        if kind == "AVIF":  # whose pixels say how they are turned
            expected = meaning(block)
            del expected[0x0112]
            assert meaning(image.info["exif"].removeprefix(b"Exif\0\0")) == expected
        elif kind != "TIFF":
            assert image.info["exif"].removeprefix(b"Exif\0\0") == block
        else:
            found = image.getexif()
            assert found[0x010F] == "A maker"
            assert dict(found.get_ifd(0x8769))[0x927C] == MAKER_NOTE
            assert {**found.get_ifd(0x8825)} == meaning(block)[0x8825]


@pytest.mark.parametrize(
    ("kind", "dpi"), [("JPEG", (300, 200)), ("PNG", (300, 200)), ("TIFF", (300.5, 200))]
)
def test_the_resolution_is_kept(kind: str, dpi: tuple[float, float]) -> None:
    image = opened(file(kind, RGB, None, Metadata(dpi=dpi)))
    assert image.info["dpi"] == pytest.approx(dpi, abs=0.02)
    assert "dpi" not in opened(file("PNG", RGB)).info


def test_tags_of_a_tiff_are_kept_in_a_tiff_and_its_structure_is_new() -> None:
    tags = [
        (0x8298, 2, 0, "Somebody's", True),
        (50_000, 7, 5, b"\1\2\3\4\5", True),
    ]
    options = {
        "extratags": tags,
        "description": "A description",
        "metadata": None,
        "resolution": (300, 300),
        "byteorder": ">",
        "rowsperstrip": 3,
    }
    original = read_original(deep_tiff(DEEP, **options), 10**6)
    data = file("TIFF", original.pixels, None, original.metadata)
    with tifffile.TiffFile(io.BytesIO(data)) as found:
        page = found.pages[0]
        assert page.tags[0x010E].value == "A description"
        assert page.tags[0x8298].value == "Somebody's"
        assert page.tags[50_000].value == b"\1\2\3\4\5"
        assert page.tags["XResolution"].value == (300, 1)
        np.testing.assert_array_equal(page.asarray(), DEEP)
    image = opened(file("JPEG", RGB, None, original.metadata))
    assert image.getexif()[0x8298] == "Somebody's"


def test_what_is_too_large_for_a_jpeg_is_left_out_with_a_word() -> None:
    block = exif_block(orientation=1) + bytes(70_000)
    pieces, words = encoded("JPEG", RGB.copy(), None, Metadata(block, XMP))
    image = opened(b"".join(pieces))
    assert "exif" not in image.info
    assert image.info["xmp"] == XMP
    assert words == [f"its EXIF is not kept: {len(block):,} bytes are too many for a JPEG"]
    pieces, words = encoded("PNG", RGB.copy(), None, Metadata(block, XMP))
    assert opened(b"".join(pieces)).info["exif"].endswith(bytes(70_000))
    assert words == []


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_exif_spoils_no_result(kind: str) -> None:
    for block in (b"nonsense", b"II*\0\xff\xff\xff\xff"):
        image = opened(file(kind, picture(8, 8), None, Metadata(block)))
        image.load()
        assert image.size == (8, 8)


@pytest.mark.parametrize(("kind", "most"), [("JPEG", "65,500"), ("WEBP", "16,383")])
def test_a_side_that_is_too_long(kind: str, most: str) -> None:
    with pytest.raises(
        HuescapeError, match=f"70,000 pixels does not fit into {kind}; allowed: {most}"
    ):
        encoded(kind, np.zeros((1, 70_000, 3), np.uint8), None, Metadata())
