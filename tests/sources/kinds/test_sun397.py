"""Source sun397: tree, archive, download."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.kinds import sun397
from huescape.sources.kinds.sun397 import Sun397Source, list_sun397, prepare_sun397, sun_place

KEY = "download.sources.0"
#: Where photos lie until their archive is read to its end.
STAGING = ".huescape-extracting"


def source(root: Path, **more: Any) -> Sun397Source:
    return Sun397Source(root=str(root), **more)


def landscapes(photos: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in photos.items() if name[0] in "bdmg"}


@pytest.mark.parametrize("inside", ["", "SUN397", "Images", "SUN2012/Images"])
def test_a_tree_is_used_where_it_is(
    tmp_path: Path, sun_photos: dict[str, bytes], make_tree: Callable[..., Path], inside: str
) -> None:
    make_tree(tmp_path / "tree" / inside, {**sun_photos, "m/mountain/notes.txt": b""})
    tree = source(tmp_path / "tree")
    prepare_sun397(tree, KEY)
    found = list_sun397(tree, KEY)
    assert {f.key for f in found} == set(landscapes(sun_photos))
    assert {f.category: f.tier for f in found} == {
        "b/badlands": "core",
        "d/desert/sand": "core",
        "g/golf_course": "extended",
        "m/mountain": "core",
    }
    every = list_sun397(source(tmp_path / "tree", categories="all"), KEY)
    assert {f.key for f in every} == set(sun_photos)
    assert {f.category for f in every if f.tier == "none"} == {"a/abbey", "k/kitchen"}
    assert not list(tmp_path.rglob(".huescape*"))


def test_only_landscapes_are_extracted(
    tmp_path: Path,
    sun_photos: dict[str, bytes],
    sun_archive: bytes,
    tree_bytes: Callable[[Path], dict[str, bytes]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "SUN397.tar.gz").write_bytes(sun_archive)
    packed = source(tmp_path / "sun", archive=str(tmp_path / "SUN397.tar.gz"))
    prepare_sun397(packed, KEY)
    assert tree_bytes(tmp_path / "sun") == landscapes(sun_photos)
    assert "extracting about 0.00 GB" in capsys.readouterr().err
    (tmp_path / "SUN397.tar.gz").unlink()
    prepare_sun397(packed, KEY)  # complete: the archive is needed no more
    assert {f.key for f in list_sun397(packed, KEY)} == set(landscapes(sun_photos))


def test_a_wider_choice_extracts_the_rest(
    tmp_path: Path,
    sun_photos: dict[str, bytes],
    sun_archive: bytes,
    tree_bytes: Callable[[Path], dict[str, bytes]],
) -> None:
    (tmp_path / "x.tar.gz").write_bytes(sun_archive)
    archive = str(tmp_path / "x.tar.gz")
    prepare_sun397(source(tmp_path / "sun", archive=archive), KEY)
    wide = source(tmp_path / "sun", archive=archive, categories="all")
    prepare_sun397(wide, KEY)
    assert tree_bytes(tmp_path / "sun") == sun_photos
    prepare_sun397(source(tmp_path / "sun", archive=archive), KEY)
    assert len(list_sun397(source(tmp_path / "sun"), KEY)) == len(landscapes(sun_photos))


def test_an_interrupted_extraction_goes_on_and_never_passes_for_the_whole(
    tmp_path: Path,
    sun_photos: dict[str, bytes],
    sun_archive: bytes,
    tree_bytes: Callable[[Path], dict[str, bytes]],
) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(sun_archive[: len(sun_archive) // 2])
    packed = source(tmp_path / "sun", archive=str(archive))
    with pytest.raises(HuescapeError, match="incomplete"):
        prepare_sun397(packed, KEY)
    first = tree_bytes(tmp_path / "sun" / STAGING)
    assert 0 < len(first) < len(landscapes(sun_photos))
    assert not list((tmp_path / "sun").glob("*/*/*.jpg"))
    with pytest.raises(HuescapeError, match="was extracted in part; give `archive`"):
        prepare_sun397(source(tmp_path / "sun"), KEY)
    inode = (tmp_path / "sun" / STAGING / "b/badlands/sun_aaa.jpg").stat().st_ino
    archive.write_bytes(sun_archive)
    prepare_sun397(packed, KEY)
    assert tree_bytes(tmp_path / "sun") == landscapes(sun_photos)
    assert (tmp_path / "sun" / "b/badlands/sun_aaa.jpg").stat().st_ino == inode
    assert not (tmp_path / "sun" / STAGING).exists()


def test_a_damaged_archive_leaves_nothing_to_a_good_one(
    tmp_path: Path,
    make_tar: Callable[..., bytes],
    sun_photos: dict[str, bytes],
    tree_bytes: Callable[[Path], dict[str, bytes]],
) -> None:
    """Neither a photo of the right size with other bytes, nor one under a wrong name."""
    rotten = {name: bytes(len(content)) for name, content in sun_photos.items()}
    rotten["a/m/mountain/sun_wrong.jpg"] = rotten.pop("m/mountain/sun_aae.jpg")
    archive = tmp_path / "x.tar.gz"
    packed = source(tmp_path / "sun", archive=str(archive), categories="all")
    archive.write_bytes(make_tar(rotten)[:-6])
    with pytest.raises(HuescapeError, match="incomplete"):
        prepare_sun397(packed, KEY)
    assert len(tree_bytes(tmp_path / "sun" / STAGING)) == len(sun_photos)
    archive.write_bytes(make_tar(sun_photos))
    prepare_sun397(packed, KEY)
    assert tree_bytes(tmp_path / "sun") == sun_photos


def test_another_archive_in_its_place_is_read(
    tmp_path: Path,
    sun_photos: dict[str, bytes],
    make_tar: Callable[..., bytes],
    tree_bytes: Callable[[Path], dict[str, bytes]],
) -> None:
    """The first was damaged where nothing can tell: in the bytes of a photo of a plain tar."""
    archive = tmp_path / "x.tar"
    whole = make_tar(sun_photos, "w")
    archive.write_bytes(whole[:700] + bytes([whole[700] ^ 255]) + whole[701:])
    packed = source(tmp_path / "sun", archive=str(archive))
    prepare_sun397(packed, KEY)
    assert tree_bytes(tmp_path / "sun") != landscapes(sun_photos)
    archive.write_bytes(whole)
    os.utime(archive, ns=(1, 1))
    prepare_sun397(packed, KEY)
    assert tree_bytes(tmp_path / "sun") == landscapes(sun_photos)


def test_a_killed_extraction_leaves_whole_photos_and_goes_on(
    tmp_path: Path,
    make_tar: Callable[..., bytes],
    tree_bytes: Callable[[Path], dict[str, bytes]],
) -> None:
    photos = {f"m/mountain/sun_{i:05d}.jpg": os.urandom(2000) for i in range(4000)}
    (tmp_path / "x.tar").write_bytes(make_tar(photos, "w"))
    packed = source(tmp_path / "sun", archive=str(tmp_path / "x.tar"))
    code = (
        "import sys; from huescape.sources.kinds.sun397 import *;"
        "prepare_sun397(Sun397Source.model_validate_json(sys.argv[1]), 'k')"
    )
    process = subprocess.Popen([sys.executable, "-c", code, packed.model_dump_json()])
    folder = tmp_path / "sun" / STAGING / "m" / "mountain"
    while process.poll() is None and not (folder / "sun_00100.jpg").exists():
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    first = tree_bytes(tmp_path / "sun" / STAGING)
    assert 100 < len(first) < len(photos)
    assert first.items() <= photos.items()
    prepare_sun397(packed, KEY)
    assert tree_bytes(tmp_path / "sun") == photos


def test_download_extract_and_list(
    tmp_path: Path,
    server: Any,
    sun_photos: dict[str, bytes],
    sun_archive: bytes,
    tree_bytes: Callable[[Path], dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The whole way, over a connection that breaks twice."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.content, server.cuts = sun_archive, [5000, 9000]
    wanted = source(
        tmp_path / "data" / "sun", url=server.url, md5=hashlib.md5(sun_archive).hexdigest()
    )
    prepare_sun397(wanted, KEY)
    assert server.asked == [None, "bytes=5000-", "bytes=14000-"]
    assert (tmp_path / "data" / "SUN397.tar.gz").read_bytes() == sun_archive
    assert tree_bytes(tmp_path / "data" / "sun") == landscapes(sun_photos)
    assert {f.key for f in list_sun397(wanted, KEY)} == set(landscapes(sun_photos))
    said = capsys.readouterr().err
    assert "sun397: downloading 0.00 GB to" in said
    prepare_sun397(wanted, KEY)
    assert len(server.asked) == 3


def test_an_archive_on_disk_is_verified(tmp_path: Path, sun_archive: bytes) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(sun_archive)
    actual = hashlib.md5(sun_archive).hexdigest()
    with pytest.raises(HuescapeError, match=f"md5 is {actual}, expected {'0' * 32}"):
        prepare_sun397(source(tmp_path / "sun", archive=str(archive), md5="0" * 32), KEY)
    assert archive.is_file()
    assert not (tmp_path / "sun").exists()


def test_too_small_a_disk_is_known_before_the_download(
    tmp_path: Path, server: Any, sun_archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = sun_archive
    room = len(sun_archive) + 1000  # for the archive, but not for its photos too
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=room))
    with pytest.raises(HuescapeError, match=r"no room for the archive and its photos: .* GB free"):
        prepare_sun397(source(tmp_path / "sun", url=server.url), KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, r"sources\.0\.root: .* holds no <letter>/<category> folders; give the extracted tree"),
        ({"archive": "gone.tar.gz"}, r"archive: gone\.tar\.gz does not exist; give `url`"),
    ],
)
def test_nothing_to_start_from(tmp_path: Path, more: dict[str, str], message: str) -> None:
    with pytest.raises(HuescapeError, match=message):
        prepare_sun397(source(tmp_path / "sun", **more), KEY)


def test_an_archive_of_something_else(tmp_path: Path, make_tar: Callable[..., bytes]) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar({"faces/a.jpg": b"x"}, "w"))
    packed = source(tmp_path / "sun", archive=str(tmp_path / "x.tar"))
    for _ in range(2):
        with pytest.raises(HuescapeError, match="holds no photo of a wanted category; looked for"):
            prepare_sun397(packed, KEY)


def test_a_tree_without_landscapes(tmp_path: Path, make_tree: Callable[..., Path]) -> None:
    make_tree(tmp_path, {"k/kitchen/sun_a.jpg": b"x"})
    with pytest.raises(HuescapeError, match="none of the landscape categories of SUN"):
        list_sun397(source(tmp_path), KEY)


def test_a_damaged_note_does_not_pass_for_complete(
    tmp_path: Path, make_tree: Callable[..., Path]
) -> None:
    make_tree(tmp_path, {"m/mountain/sun_a.jpg": b"x", sun397._NOTE: b'{"comp'})
    with pytest.raises(HuescapeError, match="extracted in part"):
        prepare_sun397(source(tmp_path), KEY)
    note = {"complete": True, "categories": "landscape"}
    (tmp_path / sun397._NOTE).write_text(json.dumps(note))
    prepare_sun397(source(tmp_path), KEY)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("SUN397/m/mountain/sun_a.jpg", "m/mountain/sun_a.jpg"),
        ("./SUN397/d/desert/sand/sun_a.jpg", "d/desert/sand/sun_a.jpg"),
        ("m/mountain/sun_a.jpg", "m/mountain/sun_a.jpg"),
        ("SUN2012/Images/misc/sun_a.jpg", None),
        ("m/sun_a.jpg", None),
        ("sun_a.jpg", None),
    ],
)
def test_places(name: str, place: str | None) -> None:
    found = sun_place(PurePosixPath(name))
    assert (found and found.as_posix()) == place


def test_real_photos(photos: Path) -> None:
    subset = source(photos / "sun397_subset")
    prepare_sun397(subset, KEY)
    found = list_sun397(subset, KEY)
    assert len(found) == 1534
    assert len({f.category for f in found}) == 7
    assert {f.tier for f in found if f.category == "f/formal_garden"} == {"extended"}
