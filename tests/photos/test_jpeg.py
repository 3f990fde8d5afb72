"""JPEG photos: whoever decodes them, the pixels and the verdict are Pillow's."""

from __future__ import annotations

import io
import random
import warnings
from contextlib import suppress
from functools import cache

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, UnidentifiedImageError

from huescape.photos import PhotoError, decode_photo, jpeg
from huescape.photos.formats import FORMATS

Outcome = np.ndarray | tuple[str, str]


def by_pillow(data: bytes) -> Outcome:
    """The pixels that Pillow alone decodes, or its verdict: (reason, detail).

    No detail where Pillow has none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            image.load()
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            return "too_large", ""
        except UnidentifiedImageError:  # Pillow does not say whether it is damaged or just another
            return "undecodable or unsupported", ""
        except Exception as error:
            return "undecodable", " ".join(str(error).split())
        if image.mode not in ("RGB", "L", "CMYK"):
            return "unsupported", ""
        with suppress(Exception):  # a damaged EXIF block counts as none
            image = ImageOps.exif_transpose(image)
        return np.asarray(image.convert("RGB"))


def ours(data: bytes) -> Outcome:
    try:
        return decode_photo(data)[..., :3]
    except PhotoError as error:
        return error.reason, error.detail


def assert_same(data: bytes) -> None:
    found, expected = ours(data), by_pillow(data)
    if isinstance(expected, tuple) or isinstance(found, tuple):
        assert isinstance(expected, tuple)
        assert isinstance(found, tuple)
        assert found[0] in expected[0].split(" or ")
        assert expected[1] in found[1]
    else:
        np.testing.assert_array_equal(found, expected)


def scene(width: int, height: int) -> Image.Image:
    """Blobs of color, and noise over them."""
    rng = np.random.default_rng(width * 1000 + height)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noisy = np.asarray(smooth) + rng.normal(0, 8, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


VARIANTS: dict[str, dict[str, object]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "best": {"quality": 100, "subsampling": 0},
    "worst": {"quality": 1},
    "progressive": {"progressive": True},
    "progressive 4:4:4": {"progressive": True, "subsampling": 0},
    "optimized": {"optimize": True},
    "restarts": {"restart_marker_blocks": 2},
    "restarts by rows": {"restart_marker_rows": 1, "progressive": True},
    "stored as RGB": {"keep_rgb": True},
    "comment and profile": {"comment": b"lake", "icc_profile": b"x" * 300},
    "upright": {"exif": oriented(1)},
    "turned": {"exif": oriented(6)},
    "mirrored": {"exif": oriented(5)},
    "damaged EXIF": {"exif": b"Exif\0\0II*\0\xff\xff\xff\xff"},
}
# Pillow writes none of these.
RARE_SUBSAMPLING = {"4:1:1": "411", "4:4:0": "440"}
SIZES = [(1, 1), (8, 8), (17, 33), (40, 24), (97, 31)]


@cache
def corpus() -> dict[str, bytes]:
    found = {}
    for width, height in SIZES:
        image = scene(width, height)
        for name, options in VARIANTS.items():
            found[f"{name} {width}x{height}"] = encoded(image, **{"quality": 88, **options})
        for name, subsampling in RARE_SUBSAMPLING.items():
            found[f"{name} {width}x{height}"] = simplejpeg.encode_jpeg(
                np.asarray(image), quality=88, colorsubsampling=subsampling
            )
        found[f"gray {width}x{height}"] = encoded(image.convert("L"))
        found[f"gray progressive {width}x{height}"] = encoded(image.convert("L"), progressive=True)
        found[f"CMYK {width}x{height}"] = encoded(image.convert("CMYK"))
    found["several buffers"] = encoded(scene(420, 310), quality=97, subsampling=0)
    found["two pictures"] = encoded(
        scene(40, 24), "MPO", save_all=True, append_images=[scene(9, 9)]
    )
    return found


@pytest.mark.parametrize("name", sorted(corpus()))
def test_sound_files(name: str) -> None:
    data = corpus()[name]
    assert not isinstance(by_pillow(data), tuple)
    assert_same(data)
    assert_same(data + b"garbage\xff\xd8\xff after the end")


@pytest.mark.parametrize("name", [name for name in sorted(corpus()) if name.startswith("4:")])
def test_files_are_subsampled_as_their_names_say(name: str) -> None:
    *_, subsampling = simplejpeg.decode_jpeg_header(corpus()[name])
    assert subsampling == name.split()[0].replace(":", "")


@pytest.mark.parametrize("variant", [*VARIANTS, *RARE_SUBSAMPLING, "gray", "gray progressive"])
def test_plain_files_are_decoded_without_pillow(variant: str) -> None:
    data = corpus()[f"{variant} 40x24"]
    with warnings.catch_warnings(action="ignore"):
        image = Image.open(io.BytesIO(data))
    assert jpeg.is_plain(image)
    pixels = jpeg.decode(data, image.size)
    assert pixels is not None
    assert pixels.shape == (24, 40, 4)


@pytest.mark.parametrize("name", ["CMYK 40x24", "two pictures"])
def test_odd_files_are_left_to_pillow(name: str) -> None:
    assert not jpeg.is_plain(Image.open(io.BytesIO(corpus()[name])))


def test_other_size_than_the_header_says_is_left_to_pillow() -> None:
    data = corpus()["4:2:0 40x24"]
    assert jpeg.decode(data, (24, 40)) is None


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("name", ["4:2:0 97x31", "progressive 97x31", "several buffers"])
def test_truncated_files_are_left_to_pillow(name: str, share: float) -> None:
    whole = corpus()[name]
    data = whole[: int(len(whole) * share)]
    assert jpeg.decode(data, Image.open(io.BytesIO(whole)).size) is None
    assert_same(data)


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_too_many_pixels_are_refused_before_decoding(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(data: bytes, size: tuple[int, int]) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(jpeg, "decode", never)
    data = bytearray(corpus()["4:2:0 40x24"])
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = side.to_bytes(2, "big") * 2
    with pytest.raises(PhotoError, match="the limit is") as caught:
        decode_photo(bytes(data))
    assert caught.value.reason == "too_large"


def test_memory_that_runs_out_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(jpeg.simplejpeg, "decode_jpeg", full)
    with pytest.raises(MemoryError):
        decode_photo(corpus()["4:2:0 40x24"])


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes replaced, bits flipped, a part cut out or put in, a marker put in, the end lost."""
    found, at = bytearray(data), rng.randrange(len(data))
    match rng.randrange(6):
        case 0:
            found[at] = rng.randrange(256)
        case 1:
            found[at] ^= 1 << rng.randrange(8)
        case 2:
            del found[at : at + rng.randint(1, 12)]
        case 3:
            found[at:at] = rng.choices([0, 0xFF, 0xD8, 0xD9, 0xC0, 0xDA, 0xE1], k=3)
        case 4:
            found[at : at + 2] = b"\xff" + rng.choice([b"\xd9", b"\xd0", b"\xc4", b"\xda", b"\x01"])
        case _:
            del found[at:]
    return bytes(found)


def test_damaged_files() -> None:
    """Files that are damaged at random, of which libjpeg decodes a part without a warning."""
    rng = random.Random(5)
    files = [data for name, data in corpus().items() if name != "several buffers"]
    decoded = 0
    for _ in range(2000):
        data = damaged(rng.choice(files), rng)
        assert_same(data)
        decoded += not isinstance(by_pillow(data), tuple)
    assert 200 < decoded < 1800


@settings(max_examples=200)
@given(st.sampled_from(sorted(corpus())), st.randoms(use_true_random=False), st.integers(1, 4))
def test_files_damaged_in_several_places(name: str, rng: random.Random, times: int) -> None:
    data = corpus()[name]
    for _ in range(times):
        data = damaged(data, rng) or b"\xff"
    assert_same(data)
