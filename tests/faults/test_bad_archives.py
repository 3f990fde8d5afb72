"""Archives that are damaged, hostile, or none: each with what must become of it.

Whatever the verdict: nothing is written outside the folder, nothing of a refused archive is listed
as a photo, and when a good archive comes, exactly its photos are there.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from random import Random

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.archives import extract_photos, tar_members
from huescape.sources.walk import walk_photos

BLOCK = 512
#: Of sizes around a block's.
PHOTOS = {f"top/{i}.jpg": Random(i).randbytes(size) for i, size in enumerate((700, 512, 1, 1500))}
BROKEN, UNSAFE = "not a tar archive, or damaged or incomplete", "refused: it holds the unsafe path"


@dataclass(frozen=True)
class Case:
    """`verdict`: how many photos come out, or a part of the message; `listed`: the same of a tar
    that is read in place; None where either will do."""

    name: str
    content: Callable[[], bytes]
    verdict: int | str | None
    listed: int | str | None = None


def info(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, link
    return member


def tar(members: Mapping[str, bytes] = PHOTOS, style: int = tarfile.GNU_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=style) as archive:
        for name, content in members.items():
            archive.addfile(info(name, len(content)), io.BytesIO(content))
    return stream.getvalue()


def special(*members: tarfile.TarInfo, style: int = tarfile.PAX_FORMAT) -> bytes:
    """One good photo, then members with nothing behind their headers."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=style) as archive:
        archive.addfile(info("top/good.jpg", 4), io.BytesIO(b"good"))
        for member in members:
            archive.addfile(member)
    return stream.getvalue()


def headers(*members: tarfile.TarInfo, then: bytes = bytes(2 * BLOCK)) -> bytes:
    """Headers alone, whatever they claim."""
    return b"".join(m.tobuf(tarfile.GNU_FORMAT) for m in members) + then


def pax(**records: str) -> bytes:
    """A photo with records of an extended header, of which tarfile writes any."""
    member = info("top/a.jpg", 4)
    member.pax_headers = records
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(b"good"))
    return stream.getvalue()


def raw_pax(text: bytes, kind: bytes = b"x") -> bytes:
    """A photo behind an extended header of this very text."""
    padded = text + bytes(-len(text) % BLOCK)
    return headers(info("pax", len(text), kind), then=padded) + tar({"top/a.jpg": b"good"})


def field(start: int, value: bytes, whole: bytes | None = None) -> bytes:
    """A tar with other bytes in its first header, and a checksum that agrees with them."""
    block = bytearray((whole or tar())[:BLOCK])
    block[start : start + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + (whole or tar())[BLOCK:]


def flipped(content: bytes, at: int, bits: int = 1) -> bytes:
    return content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]


def zipped(content: bytes, level: int = 6) -> bytes:
    return gzip.compress(content, compresslevel=level, mtime=0)


def zip_file() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("top/a.jpg", b"good")
    return stream.getvalue()


def cuts() -> Iterator[Case]:
    """The tar ends early, at blocks and between them; the gzip ends early."""
    plain, packed = tar(), zipped(tar())
    end = sum(BLOCK + len(photo) + -len(photo) % BLOCK for photo in PHOTOS.values())
    for at in (0, 1, 100, 511, 512, 513, 1024, 1300, 1536, 2000, 2048, 2049, 3000, end - 512, end):
        yield Case(f"tar cut at {at}", partial(plain.__getitem__, slice(at)), BROKEN, BROKEN)
    for at in (
        1,
        2,
        9,
        10,
        18,
        60,
        len(packed) // 2,
        len(packed) - 9,
        len(packed) - 8,
        len(packed) - 1,
    ):
        yield Case(f"gzip cut at {at}", partial(packed.__getitem__, slice(at)), BROKEN)


def flips() -> Iterator[Case]:
    """One bit of a header, which has a checksum; of a gzip, which has one too."""
    for at in (0, 50, 100, 124, 130, 148, 156, 257, 345):
        yield Case(f"header byte {at}", partial(flipped, tar(), at), BROKEN, BROKEN)
        second = 1536 + at
        yield Case(f"second header byte {at}", partial(flipped, tar(), second), BROKEN, BROKEN)
    stored = zipped(tar(), 0)
    for at in (
        0,
        1,
        2,
        600,
        1200,
        len(stored) - 8,
        len(stored) - 7,
        len(stored) - 4,
        len(stored) - 1,
    ):
        yield Case(f"stored gzip byte {at}", partial(flipped, stored, at), BROKEN)
    packed = zipped(tar())
    for at in (12, 40, 200, len(packed) // 2, len(packed) - 12):
        yield Case(f"deflated byte {at}", partial(flipped, packed, at), BROKEN)
    # A plain tar has no checksum of its photos: what is read is what is there.
    yield Case("a photo's byte", partial(flipped, tar(), 600), 4, 4)


def names() -> Iterator[Case]:
    for name in (
        *(
            "../evil.jpg",
            "/tmp/evil.jpg",
            "top/../../evil.jpg",
            "a\\..\\evil.jpg",
            "..",
            "//evil.jpg",
        ),
        *("top/..", "C:\\evil.jpg", "top/./../evil.jpg"),
    ):
        is_photo = name.endswith(".jpg")
        verdict = UNSAFE if is_photo else 0
        yield Case(f"name {name}", partial(tar, {name: b"evil"}), verdict, UNSAFE)
    for name in ("../evil.jpg", "/evil.jpg"):
        yield Case(f"pax path {name}", partial(pax, path=name), UNSAFE, UNSAFE)
        long = info(name.replace("evil", "e" * 150), 0)
        yield Case(
            f"long name {name}", partial(special, long, style=tarfile.GNU_FORMAT), UNSAFE, UNSAFE
        )
    yield Case("name not UTF-8", partial(field, 0, b"top/\xff\xfe.jpg\0"), "is not UTF-8", 4)
    yield Case(
        "name of 300 bytes",
        partial(tar, {"top/" + "n" * 300 + ".jpg": b"x"}),
        "File name too long",
        1,
    )
    yield Case(
        "path of 5,000 bytes", partial(tar, {"d/" * 2500 + "a.jpg": b"x"}), "File name too long", 1
    )
    yield Case(
        "photo below a photo", partial(tar, {"a.jpg": b"x", "a.jpg/b.jpg": b"y"}), "a.jpg", 2
    )
    yield Case(
        "photo above a photo", partial(tar, {"a.jpg/b.jpg": b"y", "a.jpg": b"x"}), "a.jpg", 2
    )
    yield Case("hidden photo", partial(tar, {"top/.a.jpg": b"x"}), 0, 1)
    yield Case("a name of dots", partial(tar, {"top/....jpg": b"x"}), 0, 1)
    yield Case("no name", partial(field, 0, bytes(100)), 3, 4)
    yield Case("name with a line feed", partial(tar, {"top/a\nb.jpg": b"x"}), 1, 1)
    yield Case("name with a quote", partial(tar, {"top/a\"b'.jpg": b"x"}), 1, 1)


def members() -> Iterator[Case]:
    """What is no photo whatever it is called, and members that claim too much."""
    for label, kind, link in (
        ("symbolic link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard link", tarfile.LNKTYPE, "top/good.jpg"),
        ("hard link outside", tarfile.LNKTYPE, "../../evil.jpg"),
        ("character device", tarfile.CHRTYPE, ""),
        ("block device", tarfile.BLKTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("folder", tarfile.DIRTYPE, ""),
        ("sparse file", tarfile.GNUTYPE_SPARSE, ""),
    ):
        made = partial(special, info("top/x.jpg", 0, kind, link), style=tarfile.GNU_FORMAT)
        yield Case(label, made, 1, 1)
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "top/a.jpg"}
    sparse |= {"GNU.sparse.realsize": str(1 << 60)}
    yield Case("sparse of an exabyte", partial(pax, **sparse), BROKEN, BROKEN)
    yield Case("unknown kind", partial(field, 156, b"?"), 3, 3)
    yield Case(
        "a terabyte", partial(headers, info("top/a.jpg", 1 << 40)), "claims 1099511627776", BROKEN
    )
    yield Case("a gigabyte", partial(headers, info("top/a.jpg", 1 << 30)), BROKEN, BROKEN)
    yield Case("negative size", partial(field, 124, b"\xff" * 12), BROKEN, BROKEN)
    yield Case("size of base 256", partial(field, 124, b"\x80" + b"\xff" * 11), BROKEN, BROKEN)
    yield Case("size that is no number", partial(field, 124, b"12345678x\0"), BROKEN, BROKEN)
    for kind in (b"x", b"g", b"L", b"K"):
        huge = partial(headers, info("bomb", 1 << 36, kind))
        yield Case(f"header {kind!r} of 64 GB", huge, "a header claims", BROKEN)
    for value in ("-1", "-512", "9" * 5001, "x", "1e9"):
        yield Case(f"pax size {value[:9]}", partial(pax, size=value), BROKEN, BROKEN)
    yield Case("pax size of a zettabyte", partial(pax, size=str(1 << 70)), "claims", BROKEN)
    for label, text in (
        ("length zero", b"0 path=top/b.jpg\n"),
        ("length of 5,000 digits", b"9" * 5000 + b" path=a\n"),
    ):
        yield Case(f"pax {label}", partial(raw_pax, text), BROKEN, BROKEN)
    # Later versions of Python refuse these, earlier ones overlook them.
    for text in (b"garbage", b"9999999 path=top/b.jpg\n", b"10 abcdef\n"):
        yield Case(f"pax {text!r}", partial(raw_pax, text), None)
    chain = b"".join(headers(info("pax", 0, b"x"), then=b"") for _ in range(5000))
    yield Case("5,000 headers of headers", lambda: chain + tar(), BROKEN, BROKEN)


def others() -> Iterator[Case]:
    """What is no tar, by whatever name; and tars that are odd but whole."""
    for label, content in (
        ("a web page", b"<!DOCTYPE html><title>Log in</title>" * 50),
        ("a web page", b"\xef\xbb\xbf \n<html>" * 50),
        ("a web page or XML", b"<?xml version='1.0'?>" * 50),
        ("JSON text", b'{"error": "expired"}'),
        ("a zip archive", zip_file()),
        ("a bzip2 file", b"BZh91AY&SY" * 60),
        ("an xz file", b"\xfd7zXZ\0" * 100),
        ("a zstd file", b"\x28\xb5\x2f\xfd" * 200),
        ("a rar archive", b"Rar!\x1a\x07" * 100),
        ("a 7z archive", b"7z\xbc\xaf\x27\x1c" * 100),
        ("a PDF document", b"%PDF-1.7" * 100),
        ("an empty file", b""),
        ("no tar archive", Random(1).randbytes(5000)),
        ("no tar archive", b"top/a.jpg\n" * 500),
        ("a gzip file without a tar archive", zipped(b"<html>" * 500)),
        ("a gzip file without a tar archive", zipped(b"")),
        ("a gzip file without a tar archive", zipped(zipped(tar()))),
        ("a damaged gzip file", b"\x1f\x8b" + Random(2).randbytes(5000)),
    ):
        yield Case(f"{label} {len(content)}", lambda content=content: content, f"it is {label}")  # type: ignore[misc]
    yield Case("gzip and garbage", lambda: zipped(tar()) + b"garbage", BROKEN)
    yield Case("gzip and zeros", lambda: zipped(tar()) + bytes(1000), 4)
    yield Case("gzip in two parts", lambda: zipped(tar()[:1500]) + zipped(tar()[1500:]), 4)
    yield Case("gzip and a damaged part", lambda: zipped(tar()) + zipped(b"more")[:-3], BROKEN)
    yield Case("tar and garbage", lambda: tar() + b"garbage" * 1000, 4, 4)
    yield Case("two tars in a row", lambda: tar() + tar({"top/z.jpg": b"z"}), 4, 4)
    yield Case("an empty tar", lambda: tar({}), 0, 0)
    yield Case("no photo in it", lambda: tar({"top/read.me": b"x"}), 0, 1)
    yield Case("an empty photo", lambda: tar({"top/a.jpg": b""}), 1, 1)
    twice = tar({"top/a.jpg": b"first"})[:1024] + tar({"top/a.jpg": b"later"})
    yield Case("one name twice", lambda: twice, 1, 2)
    for style in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        long = {"top/" + "d/" * 60 + "a.jpg": b"x"}
        yield Case(f"a long path, format {style}", partial(tar, long, style), 1, 1)
    nested = tar({"n01.tar": tar(), "n02.tar": tar()})
    yield Case("tars in a tar", lambda: nested, 0, 2)
    yield Case("bytes below zero", lambda: zlib.compress(tar()), "it is no tar archive")


CASES = [*cuts(), *flips(), *names(), *members(), *others()]


def keep(name: PurePosixPath) -> PurePosixPath:
    return name


def outcome(work: Callable[[], int]) -> int | str:
    """How many came, or the one line that says why none did."""
    try:
        return work()
    except HuescapeError as error:
        return str(error)


def agrees(found: int | str, verdict: int | str | None) -> bool:
    if isinstance(verdict, str):
        return isinstance(found, str) and verdict in found
    return verdict is None or found == verdict


@pytest.mark.parametrize("case", CASES, ids=[case.name[:40] for case in CASES])
def test_the_verdict(tmp_path: Path, case: Case) -> None:
    archive, root = tmp_path / "x.tar.gz", tmp_path / "deep" / "root"
    archive.write_bytes(case.content())
    found = outcome(lambda: extract_photos(archive, root, keep))
    assert agrees(found, case.verdict), found
    assert "\n" not in str(found)
    assert {path.name for path in tmp_path.iterdir()} <= {"x.tar.gz", "deep"}
    assert {path.name for path in (tmp_path / "deep").glob("*")} <= {"root"}
    if root.is_dir():
        count = found if isinstance(found, int) else 0
        assert len(walk_photos(root)) == count
    listed = outcome(lambda: len(tar_members(archive)))
    assert agrees(listed, case.listed), listed
    assert "\n" not in str(listed)


@pytest.mark.parametrize(
    "case", [c for c in CASES if isinstance(c.verdict, str)], ids=lambda c: c.name[:40]
)
def test_a_good_archive_comes_after_it(tmp_path: Path, case: Case) -> None:
    archive, root = tmp_path / "x.tar.gz", tmp_path / "root"
    archive.write_bytes(case.content())
    outcome(lambda: extract_photos(archive, root, keep))
    archive.write_bytes(tar())
    assert extract_photos(archive, root, keep) == len(PHOTOS)
    assert {name: (root / name).read_bytes() for name in walk_photos(root)} == PHOTOS


@pytest.mark.parametrize("work", [lambda p: extract_photos(p, p.parent / "out", keep), tar_members])
def test_what_is_no_file(tmp_path: Path, work: Callable[[Path], object]) -> None:
    (tmp_path / "x.tar.gz").mkdir()
    for name in ("x.tar.gz", "gone.tar.gz"):
        with pytest.raises(HuescapeError, match=name):
            work(tmp_path / name)
    assert os.listdir(tmp_path) == ["x.tar.gz"]  # noqa: PTH208
