"""Hashes of photos and their cache."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.sources import hashing
from huescape.sources.hashing import (
    HashCache,
    cache_file,
    changed_photo,
    file_digest,
    hash_photos,
)
from huescape.sources.listing import Found


def write(folder: Path, count: int) -> list[Found]:
    found = []
    for i in range(count):
        path = folder / f"{i:04d}.jpg"
        path.write_bytes(os.urandom(100 + i))
        found.append(Found(path.name, path, "", "core", path.stat().st_size))
    return found


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files that the test has just written count as old."""
    monkeypatch.setattr(hashing, "_SETTLED_NS", -1)


@pytest.mark.parametrize("workers", [1, 3])
def test_hashes_are_those_of_hashlib_in_order(tmp_path: Path, workers: int) -> None:
    photos = write(tmp_path, 150)
    with HashCache(tmp_path / "cache") as cache:
        hashes = hash_photos(photos, cache, workers)
    assert hashes == [hashlib.sha256(photo.path.read_bytes()).hexdigest() for photo in photos]


def test_a_member_of_a_file_is_hashed_alone(tmp_path: Path) -> None:
    content = os.urandom(5000)
    (tmp_path / "a.tar").write_bytes(content)
    photo = Found("x.jpg", tmp_path / "a.tar", "", "core", 700, 512)
    with HashCache(tmp_path / "cache") as cache:
        assert hash_photos([photo], cache, 1) == [hashlib.sha256(content[512:1212]).hexdigest()]
        beyond = Found("y.jpg", tmp_path / "a.tar", "", "core", 700, 4900)
        with pytest.raises(HuescapeError, match="ends 600 bytes too early"):
            hash_photos([beyond], cache, 1)


@pytest.mark.usefixtures("settled")
def test_unchanged_photos_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write(tmp_path, 70)
    with HashCache(tmp_path / "state" / "cache") as cache:
        first = hash_photos(photos, cache, 2)
    photos[3].path.write_bytes(os.urandom(photos[3].bytes))
    read: list[str] = []
    real = hashing._sha256
    monkeypatch.setattr(hashing, "_sha256", lambda photo: read.append(photo.key) or real(photo))
    with HashCache(tmp_path / "state" / "cache") as cache:
        second = hash_photos(photos, cache, 2)
    assert read == ["0003.jpg"]
    assert [i for i in range(70) if first[i] != second[i]] == [3]


@pytest.mark.usefixtures("settled")
def test_a_change_that_keeps_size_and_modification_time_is_noticed(tmp_path: Path) -> None:
    (photo,) = write(tmp_path, 1)
    with HashCache(tmp_path / "cache") as cache:
        (before,) = hash_photos([photo], cache, 1)
    status = photo.path.stat()
    photo.path.write_bytes(os.urandom(photo.bytes))
    os.utime(photo.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with HashCache(tmp_path / "cache") as cache:
        assert hash_photos([photo], cache, 1) != [before]


def test_a_file_just_written_is_not_remembered(tmp_path: Path) -> None:
    photos = write(tmp_path, 3)
    with HashCache(tmp_path / "cache") as cache:
        hash_photos(photos, cache, 1)
    assert (tmp_path / "cache").read_text() == ""


@pytest.mark.usefixtures("settled")
def test_a_damaged_cache_only_costs_time(tmp_path: Path) -> None:
    photos = write(tmp_path, 5)
    path = tmp_path / "cache"
    with HashCache(path) as cache:
        first = hash_photos(photos, cache, 1)
    content = path.read_bytes()
    path.write_bytes(b'\xff\x00\n[1, 2]\n{"a": 1}\nnull\n' + content[: len(content) // 2])
    for _ in range(3):
        with HashCache(path) as cache:
            assert hash_photos(photos, cache, 1) == first


@pytest.mark.usefixtures("settled")
@given(at=st.integers(0, 10_000), mask=st.integers(1, 255))
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_flipped_byte_of_the_cache_is_believed(
    tmp_path_factory: pytest.TempPathFactory, at: int, mask: int
) -> None:
    folder = tmp_path_factory.mktemp("hashes")
    photos = write(folder, 3)
    with HashCache(folder / "cache") as cache:
        first = hash_photos(photos, cache, 1)
    content = bytearray((folder / "cache").read_bytes())
    content[at % len(content)] ^= mask
    (folder / "cache").write_bytes(content)
    with HashCache(folder / "cache") as cache:
        assert hash_photos(photos, cache, 1) == first


@pytest.mark.usefixtures("settled")
def test_a_photo_that_lost_a_bit_is_read_again_once_a_stage_has_seen_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither size nor times tell: the remembered hash stands for what the disk once held."""
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    photos = write(tmp_path, 3)
    with HashCache(cache_file()) as cache:
        first = hash_photos(photos, cache, 1)
        remembered = [cache.get(hashing._stamp(photo)) for photo in photos]
    assert remembered == first
    assert "`dvc repro -f download`" in str(changed_photo(photos[1].path, None))
    with HashCache(cache_file()) as cache:
        remembered = [cache.get(hashing._stamp(photo)) for photo in photos]
        assert remembered == [first[0], None, first[2]]
        assert hash_photos(photos, cache, 1) == first
        assert cache.get(hashing._stamp(photos[1])) == first[1]


@pytest.mark.usefixtures("settled")
def test_the_cache_does_not_grow_with_every_change(tmp_path: Path) -> None:
    (photo,) = write(tmp_path, 1)
    for _ in range(20):
        photo.path.write_bytes(os.urandom(photo.bytes))
        with HashCache(tmp_path / "cache") as cache:
            hash_photos([photo], cache, 1)
    assert len((tmp_path / "cache").read_text().split("\n")) < 8


def test_a_vanished_file_and_one_that_grew_are_named(tmp_path: Path) -> None:
    gone, grown = write(tmp_path, 2)
    gone.path.unlink()
    grown.path.write_bytes(b"x" * 5000)
    with HashCache(tmp_path / "cache") as cache:
        with pytest.raises(HuescapeError, match=r"0000\.jpg: cannot be read: No such file"):
            hash_photos([gone], cache, 1)
        with pytest.raises(HuescapeError, match=r"0001\.jpg: changed while it was read"):
            hash_photos([grown], cache, 1)


def test_digest_of_a_large_file(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "x").write_bytes(content)
    assert file_digest(tmp_path / "x", "md5", "verify") == hashlib.md5(content).hexdigest()
