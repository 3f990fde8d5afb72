"""Nothing that the stage download did not write is lost when it makes its folder anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.params.download import DownloadParams
from huescape.stages import download


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    download.run(tmp_path / "raw", _sample(), workers=1)
    return tmp_path / "raw"


def _sample(name: str = "sample", seed: int = 0) -> DownloadParams:
    source = {"kind": "sample", "name": name, "photos": 20, "seed": seed}
    return DownloadParams.model_validate({"sources": [source]})


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    "name",
    [
        *("mine/a.jpg", "a.jpg", "sample/a.jpg", "sample/b/beach/IMG_1.jpg", "notes.txt"),
        *("mine/sun_aaaaaaaaaaaaaaaa.jpg", "mine/manifest.csv", "sample/sun_aaa.jpg.zip"),
    ],
)
def test_a_file_of_somebodys_stops_the_stage(raw: Path, name: str) -> None:
    (raw / name).parent.mkdir(parents=True, exist_ok=True)
    (raw / name).write_bytes(b"mine")
    before = _files(raw)
    with pytest.raises(HuescapeError, match="was not written by the stage download"):
        download.run(raw, _sample(seed=1), workers=1)
    assert _files(raw) == before


def test_a_link_to_somebodys_folder_stops_the_stage(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (raw / "mine").symlink_to(tmp_path / "photos")
    with pytest.raises(HuescapeError, match="raw/mine: was not written"):
        download.run(raw, _sample(seed=1), workers=1)


def test_what_the_stage_wrote_is_made_anew(raw: Path, tmp_path: Path) -> None:
    """With other photos, by another name, and where a kill left no list."""
    (raw / ".DS_Store").write_bytes(b"")
    (raw / "empty").mkdir()
    before = _files(raw)
    download.run(raw, _sample(seed=1), workers=1)
    assert not before.keys() & {name for name in _files(raw) if name.endswith(".jpg")}
    download.run(raw, _sample("other"), workers=1)
    download.run(raw, _sample("third"), workers=1)
    assert not (raw / "other").exists()
    download.run(raw, _sample(), workers=1)
    assert _files(raw) == {name: data for name, data in before.items() if name != ".DS_Store"}
    for name in ("manifest.csv", "sources.json", "SHA256SUMS"):
        (raw / name).unlink()
    photos = tmp_path / "photos"
    (raw / "sample").rename(photos)
    (raw / "sample").mkdir()
    left = next(photos.rglob("*.jpg"))
    (raw / "sample" / left.name).write_bytes(left.read_bytes())
    source = {"kind": "folder", "name": "mine", "root": str(photos)}
    download.run(raw, DownloadParams.model_validate({"sources": [source]}), workers=1)
    assert sorted(_files(raw)) == ["SHA256SUMS", "manifest.csv", "sources.json"]
