"""Source div2k: folders, zip archives, download."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.params.download import DownloadParams
from huescape.sources.kinds.div2k import Div2kSource
from huescape.sources.manifest import read_manifest
from huescape.sources.walk import LeftOut
from huescape.stages import download

KEY = "download.sources.0"
TRAIN, VALID = "DIV2K_train_HR", "DIV2K_valid_HR"


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PHOTOS = {
    TRAIN: {f"{number:04}.png": png(number) for number in (1, 2, 800)},
    VALID: {f"{number:04}.png": png(number) for number in (801, 900)},
}
EVERY = {f"{part}/{name}" for part, photos in PHOTOS.items() for name in photos}


def zipped(part: str, method: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    """As the site has it: the folder itself is a member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.mkdir(part)
        for name, content in {**PHOTOS[part], **more}.items():
            archive.writestr(f"{part}/{name}", content)
    return stream.getvalue()


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def source(root: Path, **more: Any) -> Div2kSource:
    return Div2kSource(root=str(root), **more)


def keys(wanted: Div2kSource) -> set[str]:
    wanted.prepare(KEY)
    return {photo.key for photo in wanted.found(KEY, Path("raw"), LeftOut())}


def test_folders_are_used_where_they_are(tmp_path: Path) -> None:
    write(tmp_path / TRAIN, {**PHOTOS[TRAIN], "notes.txt": b""})
    assert keys(source(tmp_path)) == {f"{TRAIN}/{name}" for name in PHOTOS[TRAIN]}
    write(tmp_path / VALID, PHOTOS[VALID])
    assert keys(source(tmp_path)) == EVERY
    found = source(tmp_path).found(KEY, Path("raw"), LeftOut())
    assert {photo.split for photo in found if photo.key.startswith(TRAIN)} == {"train"}
    assert {photo.split for photo in found if photo.key.startswith(VALID)} == {"val"}
    assert {(photo.category, photo.tier) for photo in found} == {("", "core")}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_are_extracted_once(
    tmp_path: Path, method: int, capsys: pytest.CaptureFixture[str]
) -> None:
    archives = write(tmp_path / "zips", {f"{part}.zip": zipped(part, method) for part in PHOTOS})
    wanted = source(tmp_path / "div2k", archive=str(archives))
    assert keys(wanted) == EVERY
    for part, photos in PHOTOS.items():
        folder = tmp_path / "div2k" / part
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == photos
    assert capsys.readouterr().err.count("div2k: extracting") == 2
    shutil.rmtree(archives)
    assert keys(wanted) == EVERY
    assert "extracting" not in capsys.readouterr().err


def test_download_extract_and_list(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a connection that breaks; what is extracted is not asked for again."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    write(tmp_path / VALID, PHOTOS[VALID])
    server.content = zipped(TRAIN)
    server.cuts = [3000]
    wanted = source(tmp_path, url=server.url.rpartition("/")[0] + "/")
    assert keys(wanted) == EVERY
    assert server.asked == [None, "bytes=3000-"]
    assert (tmp_path / f"{TRAIN}.zip").read_bytes() == server.content
    assert keys(wanted) == EVERY
    assert len(server.asked) == 2


def test_a_web_page_is_no_archive(tmp_path: Path, server: Any) -> None:
    server.content = b"<html>moved</html>" * 100
    with pytest.raises(HuescapeError, match="no zip archive"):
        source(tmp_path, url=server.url.rpartition("/")[0]).prepare(KEY)
    assert not list(tmp_path.glob("*.zip"))


def test_the_stage_takes_the_splits_of_the_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    for part, photos in PHOTOS.items():
        write(tmp_path / "div2k" / part, photos)
    options = {"kind": "div2k", "root": str(tmp_path / "div2k")}
    download.run(Path("raw"), DownloadParams.model_validate({"sources": [options]}), workers=1)
    rows = {row.id: row.split for row in read_manifest(Path("raw/manifest.csv"))}
    assert rows[f"div2k/{TRAIN}/0800"] == "train"
    assert rows[f"div2k/{VALID}/0801"] == "val"
    assert len(rows) == 5


def encrypted() -> bytes:
    """The flag that members need a password, in both of their headers."""
    data = bytearray(zipped(TRAIN))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(magic, data.find(magic) + 4)
        data[start + at] |= 1
    return bytes(data)


def flipped() -> bytes:
    data = bytearray(zipped(TRAIN))
    data[data.find(PHOTOS[TRAIN]["0002.png"]) + 40] ^= 255
    return bytes(data)


def linked(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo(name)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a zip archive, or damaged"),
        (b"PK\x03\x04 no more", "not a zip archive, or damaged"),
        (zipped(TRAIN)[:-300], "not a zip archive, or damaged"),
        (zipped(TRAIN)[:900], "not a zip archive, or damaged"),
        (flipped(), "Bad CRC-32"),
        (encrypted(), "encrypted"),
        (zipped(TRAIN, **{"../../0003.png": b"x"}), "unsafe path"),
        (zipped(TRAIN, **{"again/0001.png": b"x"}), "holds two photos '0001.png'"),
        (linked("0001.png"), "holds no photo"),
    ],
)
def test_a_wrong_archive_is_one_line_and_leaves_nothing(
    tmp_path: Path, content: bytes, words: str
) -> None:
    write(tmp_path, {f"{TRAIN}.zip": content})
    with pytest.raises(HuescapeError, match=words) as caught:
        source(tmp_path).prepare(KEY)
    assert "\n" not in str(caught.value)
    assert f"{TRAIN}.zip" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [f"{TRAIN}.zip"]


def test_damaged_bytes_never_pass(tmp_path: Path) -> None:
    whole, rng = zipped(TRAIN, zipfile.ZIP_DEFLATED), np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(whole)
        for at in rng.integers(0, len(whole), 2):
            broken[at] = rng.integers(0, 256)
        write(tmp_path, {f"{TRAIN}.zip": bytes(broken)})
        try:
            source(tmp_path).prepare(KEY)
        except HuescapeError:
            assert not (tmp_path / TRAIN).exists()
        else:  # changed where nothing depends on it, or in a name
            kept = {path.read_bytes() for path in (tmp_path / TRAIN).iterdir()}
            assert kept <= set(PHOTOS[TRAIN].values())
            shutil.rmtree(tmp_path / TRAIN)


def test_too_small_a_disk_is_known_before(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = zipped(TRAIN)
    url = server.url.rpartition("/")[0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(server.content)))
    with pytest.raises(HuescapeError, match="no room for the archive and its photos"):
        source(tmp_path, url=url).prepare(KEY)
    write(tmp_path, {f"{TRAIN}.zip": server.content})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(HuescapeError, match="no room for its photos: "):
        source(tmp_path, url=url).prepare(KEY)
    assert [path.name for path in tmp_path.iterdir()] == [f"{TRAIN}.zip"]


def test_nothing_to_start_from(tmp_path: Path) -> None:
    for more in ({}, {"archive": str(tmp_path / "gone")}):
        with pytest.raises(HuescapeError, match=r"sources\.0\.root: .* holds no folder DIV2K_tr"):
            source(tmp_path / "no", **more).prepare(KEY)
    write(tmp_path / TRAIN, {"readme.txt": b"x"})
    with pytest.raises(HuescapeError, match=r"sources\.0\.root: no photo in DIV2K_train_HR"):
        keys(source(tmp_path))
    with pytest.raises(ValueError, match="no address of a file on the web"):
        source(tmp_path, url="ftp://x/y")
