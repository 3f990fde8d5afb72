"""Any bytes at all: an archive is read, or refused in one line."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from hypothesis import example, given, settings
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.sources.archives import archive_problem, extract_photos, tar_members
from huescape.sources.walk import walk_photos

PHOTOS = {f"top/{i}.jpg": Random(i).randbytes(size) for i, size in enumerate((700, 512, 1))}


def whole(style: int) -> bytes:
    """A tar with a long name, a link and extended headers, so that every kind is hit."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=style) as tar:
        for name, content in {**PHOTOS, "n" * 120 + ".jpg": b"long"}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 0.5
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("top/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/" + "l" * 120
        tar.addfile(link)
    return stream.getvalue()


TARS = [whole(style) for style in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]


def summed(tar: bytes, block: int) -> bytes:
    """The tar with the right checksum in one of its blocks: what it claims is then believed."""
    header = bytearray(tar[block * 512 : block * 512 + 512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return tar[: block * 512] + bytes(header) + tar[block * 512 + 512 :]


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    tar = bytearray(draw(st.sampled_from(TARS)))
    end = len(bytes(tar).rstrip(b"\0")) + 512
    block = draw(st.integers(0, end // 512 - 1))
    for _ in range(draw(st.integers(1, 4))):
        start = block * 512 + draw(
            st.sampled_from([0, 100, 124, 136, 148, 156, 157, 257, 345, 482])
        )
        piece = draw(st.binary(min_size=1, max_size=12) | st.sampled_from([b"-1", b"\xff" * 12]))
        tar[start : start + len(piece)] = piece
    mended = summed(bytes(tar), block) if draw(st.booleans()) else bytes(tar)
    return mended[: draw(st.sampled_from([len(mended), end - 700, end]))]


T = TypeVar("T")


def outcome(work: Callable[[], T]) -> T | str:
    """What comes out, or the line that says why nothing does."""
    try:
        return work()
    except HuescapeError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(mutilated() | st.binary(max_size=1200), st.booleans())
@example(b"", False)
@example(b"\x1f\x8b", False)
def test_any_bytes(content: bytes, packed: bool) -> None:
    content = gzip.compress(content, 1) if packed else content
    with tempfile.TemporaryDirectory() as folder:
        archive, root = Path(folder) / "x.tar", Path(folder) / "root"
        archive.write_bytes(content)
        archive_problem(content)
        count = outcome(lambda: extract_photos(archive, root, lambda name: name))
        if root.is_dir():
            assert len(walk_photos(root)) <= (count if isinstance(count, int) else 0)
        assert {path.name for path in Path(folder).iterdir()} <= {"x.tar", "root"}
        members = outcome(lambda: tar_members(archive))
        if not isinstance(members, str):
            assert all(0 <= m.offset <= m.offset + m.bytes <= len(content) for m in members)
        assert "\n" not in f"{count}{members}"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000) | mutilated(), st.integers(0, 2000))
def test_what_is_no_archive_at_first_is_none_later(content: bytes, cut: int) -> None:
    """A download is given up by its beginning only if the whole would be refused."""
    if len(content) >= 512 and archive_problem(content) is None:
        assert archive_problem(content[: max(cut, 512)], whole=False) is None
