"""Stage download: every kind of source, together."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from huescape.base.errors import HuescapeError
from huescape.params.download import DownloadParams
from huescape.stages.download import changes, check_unchanged, run

RAW = Path("data/raw")
SUN = {
    "m/mountain/sun_a.jpg": b"mountain a",
    "m/mountain/sun_b.jpg": b"mountain b",
    "d/desert/sand/sun_c.jpg": b"sand",
    "k/kitchen/sun_d.jpg": b"kitchen",
}
ALP = "n09193705"


def params(*sources: dict[str, Any]) -> DownloadParams:
    return DownloadParams.model_validate({"sources": sources})


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def tar(path: Path, files: Mapping[str, bytes], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def rows(raw: Path = RAW) -> list[dict[str, str]]:
    with (raw / "manifest.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def content(row: dict[str, str]) -> bytes:
    start = int(row["offset"] or 0)
    return Path(row["path"]).read_bytes()[start : start + int(row["bytes"])]


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository to run in."""
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    return tmp_path / "repository"


@pytest.fixture
def combined(tmp_path: Path) -> DownloadParams:
    """A folder inside the repository, a SUN archive and an ImageNet tar outside it."""
    write(Path("mine"), {"alps/x.jpg": b"x as jpg", "alps/x.png": b"x as png", "y.JPG": b"y"})
    tar(tmp_path / "SUN397.tar.gz", {f"SUN397/{k}": v for k, v in SUN.items()}, "w:gz")
    (tmp_path / "imagenet").mkdir()
    tar(tmp_path / "imagenet" / f"{ALP}.tar", {f"{ALP}_{i}.JPEG": b"alp" * i for i in (1, 2)})
    splits = "path\ttfds_split\n/m/mountain/sun_a.jpg\tte\n/d/desert/sand/sun_c.jpg\ttr\n"
    (tmp_path / "list.tsv").write_text(splits)
    return params(
        {
            "kind": "sun397",
            "root": "../sun",
            "archive": "../SUN397.tar.gz",
            "splits": "../list.tsv",
        },
        {"kind": "folder", "name": "own", "root": "mine", "licence": "CC0"},
        {"kind": "imagenet", "root": "../imagenet"},
    )


def test_sources_are_combined_into_one_manifest(combined: DownloadParams) -> None:
    metrics = run(RAW, combined)
    found = {row["id"]: row for row in rows()}
    assert list(found) == sorted(found)
    assert set(found) == {
        f"imagenet/{ALP}/{ALP}_1",
        f"imagenet/{ALP}/{ALP}_2",
        "own/alps/x.jpg",
        "own/alps/x.png",
        "own/y",
        "sun397/d/desert/sand/sun_c",
        "sun397/m/mountain/sun_a",
        "sun397/m/mountain/sun_b",
    }
    assert all(hashlib.sha256(content(r)).hexdigest() == r["sha256"] for r in rows())
    assert metrics == {"photos": 8, "bytes": sum(len(content(r)) for r in rows()), "sources": 3}
    alp = found[f"imagenet/{ALP}/{ALP}_2"]
    assert (alp["path"], alp["category"], alp["tier"]) == (f"../imagenet/{ALP}.tar", ALP, "core")
    assert alp["offset"] == str(512 + 512 + 512)
    assert (found["own/y"]["path"], found["own/y"]["category"]) == ("mine/y.JPG", "")
    assert found["own/alps/x.png"]["category"] == "alps"
    splits = {name: row["split"] for name, row in found.items() if row["split"]}
    assert splits == {"sun397/m/mountain/sun_a": "test", "sun397/d/desert/sand/sun_c": "train"}


def test_sources_are_described_in_their_order(combined: DownloadParams) -> None:
    run(RAW, combined)
    described = json.loads((RAW / "sources.json").read_text())
    assert [item["name"] for item in described] == ["sun397", "own", "imagenet"]
    assert set(described[0]) == {"name", "kind", "licence", "homepage", "photos", "bytes"}
    assert (described[1]["licence"], described[1]["photos"]) == ("CC0", 3)
    assert "non-commercial" in described[2]["licence"]
    assert described[2]["bytes"] == 9


def test_the_same_bytes_with_any_number_of_workers(combined: DownloadParams) -> None:
    run(RAW, combined, workers=1)
    first = tree(RAW)
    shutil.rmtree(os.environ["HUESCAPE_STATE"])
    run(RAW, combined, workers=4)
    assert tree(RAW) == first
    assert sorted(first) == ["SHA256SUMS", "manifest.csv", "sources.json"]


def test_the_sample_is_rendered_below_the_output() -> None:
    sample = params({"kind": "sample", "photos": 24, "seed": 3})
    run(RAW, sample, workers=2)
    found = rows()
    files = {p.relative_to(RAW).as_posix() for p in (RAW / "sample").rglob("*") if p.is_file()}
    assert {row["path"].removeprefix("data/raw/") for row in found} == files
    assert len(found) >= 24
    assert all(hashlib.sha256(content(r)).hexdigest() == r["sha256"] for r in found)
    assert {row["tier"] for row in found} >= {"core", "none"}
    assert all(row["category"][1] == "/" for row in found)
    first = tree(RAW)
    run(RAW, sample, workers=1)
    assert tree(RAW) == first
    assert check_unchanged(RAW / "manifest.csv", sample) == []
    gone = RAW / found[0]["path"].removeprefix("data/raw/")
    gone.unlink()
    assert changes(RAW / "manifest.csv", sample) == {found[0]["id"]: "vanished"}


def test_what_changed_vanished_or_is_new_is_noticed(
    combined: DownloadParams, tmp_path: Path
) -> None:
    run(RAW, combined)
    manifest = RAW / "manifest.csv"
    before = tree(RAW)
    assert check_unchanged(manifest, combined) == []
    Path("mine/alps/x.jpg").write_bytes(b"X as jpg")
    Path("mine/y.JPG").write_bytes(b"longer than it was")
    (tmp_path / "sun" / "m/mountain/sun_b.jpg").unlink()
    write(tmp_path / "sun", {"v/valley/sun_n.jpg": b"new", "k/kitchen/sun_n.jpg": b"not wanted"})
    tar(tmp_path / "imagenet" / f"{ALP}.tar", {f"{ALP}_{i}.JPEG": b"alq" * i for i in (1, 2)})
    expected = {
        "own/alps/x.jpg": "changed",
        "own/y": "changed",
        "sun397/m/mountain/sun_b": "vanished",
        "sun397/v/valley/sun_n": "new",
        f"imagenet/{ALP}/{ALP}_1": "changed",
        f"imagenet/{ALP}/{ALP}_2": "changed",
    }
    assert changes(manifest, combined) == expected
    assert check_unchanged(manifest, combined) == sorted(expected)
    only_listed = {name for name, fate in expected.items() if fate != "new"}
    assert check_unchanged(manifest) == sorted(only_listed)
    assert tree(RAW) == before


def test_a_source_that_vanished_whole_is_noticed(combined: DownloadParams, tmp_path: Path) -> None:
    run(RAW, combined)
    shutil.rmtree(tmp_path / "imagenet")
    assert set(changes(RAW / "manifest.csv", combined).values()) == {"vanished"}


def test_a_failed_run_leaves_the_earlier_result(combined: DownloadParams, tmp_path: Path) -> None:
    run(RAW, combined)
    before = tree(RAW)
    Path("../list.tsv").write_text("path\tsplit\nother.jpg\ttrain\n")
    with pytest.raises(HuescapeError, match="the list names no photo"):
        run(RAW, combined)
    assert tree(RAW) == before
    assert sorted(p.name for p in RAW.parent.iterdir()) == ["raw"]


def test_a_misspelled_folder_is_known_before_anything_is_extracted(
    combined: DownloadParams, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "imagenet")
    with pytest.raises(HuescapeError, match=r"download\.sources\.2\.root: \.\./imagenet does not"):
        run(RAW, combined)
    assert not (tmp_path / "sun").exists()
    assert not RAW.exists()


def test_a_split_list_for_other_photos_is_an_error(combined: DownloadParams) -> None:
    Path("../list.tsv").write_text("path\tsplit\n/images/m/mountain/sun_a.jpg\ttrain\n")
    with pytest.raises(HuescapeError, match=r"sources\.0\.splits: the list names no photo .* like"):
        run(RAW, combined)
    assert not RAW.exists()


def test_a_second_run_hashes_nothing_again(
    combined: DownloadParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huescape.sources.hashing._SETTLED_NS", -1)
    run(RAW, combined)
    first = tree(RAW)

    def refuse(photo: object) -> str:
        raise AssertionError(photo)

    monkeypatch.setattr("huescape.sources.hashing._sha256", refuse)
    run(RAW, combined)
    assert tree(RAW) == first


@pytest.fixture(scope="module")
def photos() -> Path:
    """Real photos of the datasets; a test that needs them is skipped without."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("HUESCAPE_TEST_PHOTOS", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real photos: set HUESCAPE_TEST_PHOTOS to the folder that holds them")
    return folder


def test_real_photos(photos: Path) -> None:
    listing = photos / "sun397_subset" / "MANIFEST.tsv"
    real = params(
        {"kind": "sun397", "root": str(photos / "sun397_subset"), "splits": str(listing)},
        {"kind": "imagenet", "root": str(photos / "imagenet_sample"), "categories": "all"},
    )
    assert run(RAW, real)["photos"] == 1534 + 74
    with listing.open(newline="") as stream:
        expected = {r["path"]: r for r in csv.DictReader(stream, delimiter="\t")}
    names = {"tr": "train", "va": "val", "te": "test"}
    sun = [row for row in rows() if row["source"] == "sun397"]
    assert len(sun) == len(expected) == 1534
    for row in sun:
        one = expected["/" + row["id"].removeprefix("sun397/") + ".jpg"]
        assert (row["sha256"], row["split"]) == (one["sha256"], names[one["tfds_split"]])
    assert {row["split"] for row in rows() if row["source"] == "imagenet"} == {""}
    assert check_unchanged(RAW / "manifest.csv", real) == []


def test_what_is_told_of_the_sources_has_no_secret_of_an_address() -> None:
    write(Path("mine"), {"a.jpg": b"a"})
    licence = "see https://me:hunter2@host.org/terms?token=hunter2"
    run(RAW, params({"kind": "folder", "root": "mine", "licence": licence}))
    [source] = json.loads((RAW / "sources.json").read_text())
    assert source["licence"] == "see https://***@host.org/terms?token=***"
