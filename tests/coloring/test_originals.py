"""Photos are read with all they hold: 8 and 16 bits, alpha, upright, in sRGB."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from huescape.coloring.originals import on_white, read_original
from huescape.coloring.prediction import eight_bits
from huescape.photos import PhotoError, open_photo
from tests.coloring.files import deep_png, deep_tiff, encoded, stored_as
from tests.coloring.icc import ink_profile
from tests.coloring.test_tags import exif_block

MOST = 10_000_000


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    most = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, most + 1, shape, dtype=dtype)


RGB, GRAY = noise(24, 40, 3), noise(24, 40)
DEEP, DEEP_GRAY, DEEP_ALPHA = (
    noise(24, 40, 3, dtype=np.uint16),
    noise(24, 40, dtype=np.uint16),
    noise(24, 40, 4, dtype=np.uint16),
)


FORMS = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "L", "P", "1", "RGBA", "LA"),
    "TIFF": ("RGB", "L", "P", "CMYK", "1", "RGBA", "LA"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("RGB", "L", "P", "1"),
    "GIF": ("P", "L"),
    "PPM": ("RGB", "L", "1"),
    "JPEG2000": ("RGB", "L", "RGBA", "LA"),
}


@pytest.mark.parametrize(("kind", "mode"), [(k, m) for k, modes in FORMS.items() for m in modes])
def test_the_pixels_are_those_of_the_pipeline(kind: str, mode: str) -> None:
    """In front of white, where they are transparent."""
    data = encoded(Image.fromarray(RGB).convert(mode), kind)
    found = read_original(data, MOST)
    assert found.pixels.dtype == np.uint8
    seen = on_white(found.pixels, found.alpha)
    seen = np.repeat(seen[..., None], 3, axis=2) if seen.ndim == 2 else seen
    assert np.abs(seen.astype(int) - np.asarray(open_photo(data))).max() <= 1
    assert (found.pixels.ndim == 2) == (Image.open(io.BytesIO(data)).mode in ("1", "L", "LA"))
    assert found.words == ()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_kept_and_so_is_what_it_hides(kind: str) -> None:
    rgba = noise(24, 40, 4)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    found = read_original(encoded(rgba, kind, **options), MOST)
    np.testing.assert_array_equal(found.pixels, rgba[..., :3])
    np.testing.assert_array_equal(found.alpha, rgba[..., 3])
    assert found.is_lossless == (kind == "WEBP")


def test_a_transparent_color_is_alpha() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = read_original(encoded(gray, "PNG", transparency=7), MOST)
    np.testing.assert_array_equal(found.alpha, np.where(gray == 7, 0, 255))
    found = read_original(encoded(RGB, "PNG", transparency=tuple(RGB[3, 5].tolist())), MOST)
    assert found.alpha[3, 5] == 0
    assert (found.alpha == 255).sum() >= RGB[..., 0].size - 5
    found = read_original(
        deep_png(DEEP_GRAY, (b"tRNS", int(DEEP_GRAY[3, 5]).to_bytes(2, "big"))), MOST
    )
    np.testing.assert_array_equal(found.alpha, np.where(DEEP_GRAY[3, 5] == DEEP_GRAY, 0, 65535))
    four_bits = encoded(Image.fromarray(gray // 16).convert("L"), "PNG", bits=4, transparency=3)
    found = read_original(four_bits, MOST)
    np.testing.assert_array_equal(found.alpha, np.where(gray // 16 == 3, 0, 255))


@pytest.mark.parametrize("levels", [DEEP_GRAY, DEEP], ids=["gray", "rgb"])
@pytest.mark.parametrize("make", [deep_png, deep_tiff])
def test_sixteen_bits_are_kept(levels: np.ndarray, make: object) -> None:
    found = read_original(make(levels), MOST)
    assert found.pixels.dtype == np.uint16
    np.testing.assert_array_equal(found.pixels, levels)
    assert found.alpha is None
    assert found.words == ()


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"byteorder": ">"},
        {"tile": (16, 16)},
        {"rowsperstrip": 5},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "compression": "zlib", "byteorder": ">"},
        {"bigtiff": True},
    ],
    ids=str,
)
def test_sixteen_bits_of_every_form_of_tiff(options: dict[str, object]) -> None:
    levels = np.moveaxis(DEEP, -1, 0) if "planarconfig" in options else DEEP
    found = read_original(deep_tiff(levels, **options), MOST)
    np.testing.assert_array_equal(found.pixels, DEEP)


def test_sixteen_bits_of_a_tiff_with_lzw() -> None:
    """Which scanners write; tifffile alone does not."""
    done, data = cv2.imencode(".tif", DEEP[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    assert done
    found = read_original(data.tobytes(), MOST)
    np.testing.assert_array_equal(found.pixels, DEEP)


def test_sixteen_bits_with_alpha() -> None:
    for data in (deep_png(DEEP_ALPHA), deep_tiff(DEEP_ALPHA, extrasamples=["unassalpha"])):
        found = read_original(data, MOST)
        np.testing.assert_array_equal(found.pixels, DEEP_ALPHA[..., :3])
        np.testing.assert_array_equal(found.alpha, DEEP_ALPHA[..., 3])
    found = read_original(deep_tiff(DEEP_ALPHA, extrasamples=["unspecified"]), MOST)
    np.testing.assert_array_equal(found.pixels, DEEP_ALPHA[..., :3])
    assert found.alpha is None
    gray_alpha = np.dstack([DEEP_GRAY, DEEP_ALPHA[..., 3]])
    found = read_original(deep_png(gray_alpha), MOST)
    np.testing.assert_array_equal(found.alpha, DEEP_ALPHA[..., 3])
    np.testing.assert_array_equal(found.pixels[..., 1], DEEP_GRAY)


def test_alpha_that_was_multiplied_in_is_taken_out() -> None:
    share = np.maximum(DEEP_ALPHA[..., 3:], 30_000) / 65535
    multiplied = np.rint(DEEP_ALPHA[..., :3] * share)
    levels = np.concatenate([multiplied, share * 65535], axis=2).astype(np.uint16)
    found = read_original(deep_tiff(levels, extrasamples=["assocalpha"]), MOST)
    assert np.abs(found.pixels.astype(int) - DEEP_ALPHA[..., :3]).max() <= 3
    np.testing.assert_array_equal(found.alpha, levels[..., 3])


def test_gray_from_white_to_black_and_of_twelve_bits() -> None:
    found = read_original(deep_tiff(DEEP_GRAY, photometric="miniswhite"), MOST)
    np.testing.assert_array_equal(found.pixels, 65535 - DEEP_GRAY)


def test_what_can_be_read_with_eight_bits_alone_is_said() -> None:
    inks = noise(24, 40, 4, dtype=np.uint16)
    data = deep_tiff(inks, photometric="separated")
    found = read_original(data, MOST)
    assert found.pixels.dtype == np.uint8
    assert np.abs(found.pixels.astype(int) - np.asarray(open_photo(data))).max() <= 1
    assert found.words == ("it was read with 8 bits a channel, of 16",)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "PNG 16", "TIFF 16", "TIFF gray 16"])
def test_photos_are_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes()
    wanted = {"PNG 16": DEEP, "TIFF 16": DEEP, "TIFF gray 16": DEEP_GRAY}.get(kind, RGB)
    stored = stored_as(wanted, orientation)
    if kind == "PNG 16":
        data = deep_png(stored, (b"eXIf", block[6:]))
    elif kind.startswith("TIFF") and kind != "TIFF":
        data = deep_tiff(stored, extratags=[(0x0112, 3, 1, orientation, True)])
    else:
        data = encoded(stored, kind, exif=block, **({"lossless": True} if kind == "WEBP" else {}))
    found = read_original(data, MOST)
    np.testing.assert_array_equal(found.pixels, wanted)
    if found.metadata.exif:
        again = Image.Exif()
        again.load(b"Exif\0\0" + found.metadata.exif)
        assert again.get(0x0112, 1) == 1


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    block = exif_block()
    for levels in (DEEP, DEEP_GRAY):
        data = deep_png(stored_as(levels, 6), (b"eXIf", block), late=True)
        found = read_original(data, MOST)
        np.testing.assert_array_equal(found.pixels, levels)
        assert b"A maker" in found.metadata.exif


def test_the_resolution_is_kept() -> None:
    for kind, dpi in (("JPEG", (300, 200)), ("PNG", (300, 200)), ("TIFF", (300.5, 200))):
        found = read_original(encoded(RGB, kind, dpi=dpi), MOST)
        assert found.metadata.dpi == pytest.approx(dpi, abs=0.02), kind
    assert read_original(encoded(RGB, "WEBP"), MOST).metadata.dpi is None


def test_xmp_is_kept_and_upright() -> None:
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6" dc:title="A"/></x:xmpmeta>'
    for kind in ("JPEG", "WEBP"):
        found = read_original(encoded(stored_as(RGB, 6), kind, xmp=packet), MOST)
        assert found.metadata.xmp == packet.replace(b'"6"', b'"1"')
        assert found.pixels.shape == RGB.shape


def test_damaged_exif_costs_no_photo() -> None:
    for block in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"):
        found = read_original(encoded(RGB, "PNG", exif=block), MOST)
        np.testing.assert_array_equal(found.pixels, RGB)


def test_of_animations_and_pages_the_first_and_a_word() -> None:
    frames = [Image.fromarray(noise(8, 8, 3) // k) for k in (1, 2, 3)]
    for kind in ("GIF", "TIFF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        found = read_original(data, MOST)
        assert found.words == ("the first of its 3 pictures was colored",), kind
        assert np.abs(found.pixels.astype(int) - np.asarray(open_photo(data))).max() == 0


def test_cmyk_with_and_without_a_profile() -> None:
    cyan = Image.new("CMYK", (20, 10), (255, 0, 0, 0))
    for kind in ("JPEG", "TIFF"):
        plain = read_original(encoded(cyan, kind), MOST)
        assert np.abs(plain.pixels.astype(int) - (0, 255, 255)).max() < 3
        followed = read_original(encoded(cyan, kind, icc_profile=ink_profile()), MOST)
        assert followed.pixels.max() < 8  # this profile prints cyan black
        assert followed.words == ()


def lab_tiff() -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, RGB, photometric="cielab")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "undecodable"),
        (b"not a photo", "undecodable"),
        (encoded(RGB, "JPEG")[:500], "undecodable"),
        (deep_png(DEEP)[:2000], "undecodable"),
        (deep_tiff(DEEP)[:2000], "undecodable"),
        (deep_tiff(DEEP, planarconfig="contig", compression="zlib")[:-3000], "undecodable"),
        (lab_tiff(), "unsupported"),
        (encoded(Image.new("F", (8, 8)), "TIFF"), "unsupported"),
        (encoded(Image.new("I", (8, 8)), "TIFF"), "unsupported"),
        (deep_tiff(noise(8, 8, dtype=np.uint16).astype(np.float32)), "unsupported"),
        (encoded(Image.new("1", (4000, 4000)), "PNG"), "too_large"),
        (deep_png(np.zeros((4000, 4000, 3), np.uint16)), "too_large"),
    ],
)
def test_what_cannot_be_used_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PhotoError) as raised:
        read_original(data, MOST)
    assert raised.value.reason == reason


def test_a_large_photo_is_read_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [
        read_original(d, MOST) for d in (encoded(RGB, "PNG"), encoded(noise(24, 40, 4), "PNG"))
    ]
    monkeypatch.setattr("huescape.coloring.strips.PIXELS", 40 * 7)
    for before, data in zip(
        whole, (encoded(RGB, "PNG"), encoded(noise(24, 40, 4), "PNG")), strict=True
    ):
        found = read_original(data, MOST)
        np.testing.assert_array_equal(found.pixels, before.pixels)
        np.testing.assert_array_equal(
            on_white(found.pixels, found.alpha), on_white(before.pixels, before.alpha)
        )


def test_deep_and_shallow_agree_in_front_of_white() -> None:
    deep = on_white(DEEP_ALPHA[..., :3], DEEP_ALPHA[..., 3])
    shallow = on_white(eight_bits(DEEP_ALPHA[..., :3]), eight_bits(DEEP_ALPHA[..., 3:])[..., 0])
    assert np.abs(deep / 257 - shallow).max() < 1.6
