"""Tar files, honest and hostile."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.archives import extract_photos, tar_members

FILES = {"top/a.jpg": os.urandom(3000), "top/b/c.JPG": os.urandom(700), "top/read.me": b"no"}


def keep(name: PurePosixPath) -> PurePosixPath:
    """Every photo, without the folder above."""
    return PurePosixPath(*name.parts[1:])


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_photos_are_extracted_whole(
    tmp_path: Path, make_tar: Callable[..., bytes], tree_bytes: Callable[..., object], mode: str
) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar(FILES, mode))
    assert extract_photos(tmp_path / "x.tar", tmp_path / "out", keep) == 2
    expected = {"a.jpg": FILES["top/a.jpg"], "b/c.JPG": FILES["top/b/c.JPG"]}
    assert tree_bytes(tmp_path / "out") == expected


def test_only_what_is_placed_is_extracted(tmp_path: Path, make_tar: Callable[..., bytes]) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar(FILES))
    placed = {PurePosixPath("top/a.jpg"): PurePosixPath("one.jpg")}
    assert extract_photos(tmp_path / "x.tar", tmp_path / "out", placed.get) == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["one.jpg"]


def test_files_of_the_right_size_are_kept(tmp_path: Path, make_tar: Callable[..., bytes]) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar(FILES))
    extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)
    before = (tmp_path / "out" / "a.jpg").stat()
    (tmp_path / "out" / "b" / "c.JPG").write_bytes(b"half")
    extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)
    after = (tmp_path / "out" / "a.jpg").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (tmp_path / "out" / "b" / "c.JPG").read_bytes() == FILES["top/b/c.JPG"]


@pytest.mark.parametrize(
    "name", ["../evil.jpg", "/tmp/evil.jpg", "a/../../evil.jpg", "a\\..\\e.jpg"]
)
def test_names_that_leave_the_folder_are_refused(
    tmp_path: Path, make_tar: Callable[..., bytes], name: str
) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar({name: b"evil"}, "w"))
    (tmp_path / "deep").mkdir()
    with pytest.raises(HuescapeError, match="refused: it holds the unsafe path"):
        extract_photos(tmp_path / "x.tar", tmp_path / "deep" / "out", lambda path: path)
    with pytest.raises(HuescapeError, match="refused: it holds the unsafe path"):
        tar_members(tmp_path / "x.tar")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "x.tar"]


def test_an_unsafe_name_in_a_pax_header_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a/safe.jpg")
        info.pax_headers = {"path": "../evil.jpg"}
        tar.addfile(info)
    with pytest.raises(HuescapeError, match="unsafe path"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", lambda path: path)


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo("top/special.jpg")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "member",
    [
        special(tarfile.SYMTYPE, "/etc/passwd"),
        special(tarfile.LNKTYPE, "top/a.jpg"),
        special(tarfile.FIFOTYPE),
        special(tarfile.CHRTYPE),
        special(tarfile.BLKTYPE),
        special(tarfile.DIRTYPE),
    ],
    ids=["symlink", "hardlink", "fifo", "char", "block", "folder"],
)
def test_only_regular_files_are_extracted(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        info = tarfile.TarInfo("top/a.jpg")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
        tar.addfile(member)
    assert extract_photos(tmp_path / "x.tar", tmp_path / "out", keep) == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.jpg"]
    assert [m.name for m in tar_members(tmp_path / "x.tar")] == ["top/a.jpg"]


def test_a_link_in_the_archive_leads_nowhere(tmp_path: Path) -> None:
    """A link to a folder outside, then a file through it: both names look innocent."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        link = tarfile.TarInfo("top/b")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        tar.addfile(link)
        info = tarfile.TarInfo("top/b/evil.jpg")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "out" / "b").is_symlink()


def test_a_member_larger_than_any_photo_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("top/a.jpg")
    info.size = 1 << 40
    (tmp_path / "x.tar").write_bytes(info.tobuf() + b"\0" * 10_000)
    with pytest.raises(HuescapeError, match="claims 1099511627776 bytes"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("left", [0.02, 0.3, 0.55, 0.8, 0.97])
def test_an_archive_cut_short_is_an_error(
    tmp_path: Path, make_tar: Callable[..., bytes], mode: str, left: float
) -> None:
    files = {f"top/{i}.jpg": os.urandom(5120 + 512 * (i % 2)) for i in range(20)}
    whole = make_tar(files, mode)
    if mode == "w":
        whole = whole[: 20 * 512 + sum(len(content) for content in files.values())]
    (tmp_path / "x.tar").write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(HuescapeError, match=r"x\.tar: not a tar archive, or damaged or incomplete"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)


def test_every_cut_of_a_plain_tar_is_noticed(
    tmp_path: Path, make_tar: Callable[..., bytes]
) -> None:
    """Even one between two members, which looks like an end."""
    whole = make_tar({f"top/{i}.jpg": b"x" * 600 for i in range(3)}, "w")
    for blocks in range(9):
        (tmp_path / "x.tar").write_bytes(whole[: blocks * 512])
        with pytest.raises(HuescapeError, match="incomplete"):
            extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)
        with pytest.raises(HuescapeError, match="incomplete"):
            tar_members(tmp_path / "x.tar")


def test_a_damaged_header_in_the_middle_is_no_end(
    tmp_path: Path, make_tar: Callable[..., bytes]
) -> None:
    whole = bytearray(make_tar({f"top/{i}.jpg": b"x" * 512 for i in range(3)}, "w"))
    whole[1024 + 150] ^= 1  # in the checksum of the second header
    (tmp_path / "x.tar").write_bytes(whole)
    with pytest.raises(HuescapeError, match="damaged"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)
    with pytest.raises(HuescapeError, match="damaged"):
        tar_members(tmp_path / "x.tar")


def test_a_flipped_byte_in_a_gzip_is_noticed(
    tmp_path: Path, make_tar: Callable[..., bytes]
) -> None:
    content = bytearray(gzip.compress(make_tar(FILES, "w"), compresslevel=0))
    content[1500] ^= 1  # within a photo: only the checksum at the end can tell
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(HuescapeError, match="CRC check failed"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"PK\x03\x04" * 300, b"<html>" * 200])
def test_something_else_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(HuescapeError, match="not a tar archive"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"x\.tar: No such file"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)


def test_a_tree_that_cannot_be_written_is_named(
    tmp_path: Path, make_tar: Callable[..., bytes]
) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar(FILES))
    (tmp_path / "out").write_bytes(b"a file where the folder must be")
    with pytest.raises(HuescapeError, match="out"):
        extract_photos(tmp_path / "x.tar", tmp_path / "out", keep)


def test_members_are_where_they_are_said_to_be(
    tmp_path: Path, make_tar: Callable[..., bytes]
) -> None:
    inner = make_tar(FILES, "w")
    (tmp_path / "x.tar").write_bytes(make_tar({"one.tar": inner, "two.tar": inner}, "w"))
    content = (tmp_path / "x.tar").read_bytes()
    outer = tar_members(tmp_path / "x.tar")
    assert [(m.name, m.bytes) for m in outer] == [("one.tar", len(inner)), ("two.tar", len(inner))]
    for tar in outer:
        members = tar_members(tmp_path / "x.tar", tar.offset, tar.offset + tar.bytes)
        found = {m.name: content[m.offset : m.offset + m.bytes] for m in members}
        assert found == FILES


def test_a_long_name_is_read(tmp_path: Path, make_tar: Callable[..., bytes]) -> None:
    name = "top/" + "n" * 200 + "/a.jpg"
    (tmp_path / "x.tar").write_bytes(make_tar({name: b"abc"}, "w"))
    assert [m.name for m in tar_members(tmp_path / "x.tar")] == [name]
