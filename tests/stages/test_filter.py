"""The stage filter: every photo has a fate, for one stated reason."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.params.photos import FilterParams, SplitParams
from huescape.photos.catalog import CatalogRow, split_of
from huescape.photos.catalog_file import read_catalog
from huescape.sources.manifest import ManifestRow, write_manifest
from huescape.stages import filter as stage

PHOTOS = Path(os.environ.get("HUESCAPE_TEST_PHOTOS", Path(__file__).parents[3] / "shared" / "data"))
KEEP_ALL = FilterParams(max_distance=0, split=SplitParams(val=0, test=0))


def picture(seed: int, width: int = 160, height: int = 120) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


class Raw:
    """A folder of raw photos and its manifest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows: list[ManifestRow] = []

    def add(self, name: str, data: bytes, tier: str = "core", split: str = "") -> ManifestRow:
        path = self.root / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return self.list_(name, path, "", data, tier, split)

    def list_(
        self, name: str, path: Path, offset: str, data: bytes, tier: str = "core", split: str = ""
    ) -> ManifestRow:
        sha256 = hashlib.sha256(data).hexdigest()
        category = name.rpartition("/")[0]
        row = ManifestRow(
            f"s/{name}", "s", category, tier, str(path), offset, len(data), sha256, split
        )
        self.rows.append(row)
        return row

    def filter(self, params: FilterParams, out: str = "catalog") -> dict[str, CatalogRow]:
        write_manifest(self.root / "manifest.csv", self.rows)
        self.metrics = stage.run(self.root, self.root / out, params)
        rows = read_catalog(self.root / out / "catalog.parquet")
        return {row.id.removeprefix("s/"): row for row in rows}


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Raw:
    monkeypatch.setenv("HUESCAPE_WORKERS", "1")
    return Raw(tmp_path)


def one_of_each(raw: Raw) -> dict[str, str]:
    """A photo for each fate; returns {name: reason}."""
    base = jpeg(picture(0))
    raw.add("m/mountain/good", base)
    raw.add("m/mountain/same", base)
    raw.add("m/mountain/again", jpeg(picture(0, 120, 100), quality=70))
    raw.add("s/street/other", b"never read", tier="none")
    raw.add("m/mountain/cut", jpeg(picture(1))[:2000])
    raw.add("m/mountain/text", b"not an image")
    raw.add("m/mountain/small", jpeg(picture(2, 300, 99)))
    raw.add("m/mountain/gray", jpeg(picture(3).convert("L")))
    raw.add("m/mountain/scan", jpeg(picture(4).convert("L").convert("RGB")))
    stream = io.BytesIO()
    Image.fromarray(np.ones((120, 160), np.float32)).save(stream, "TIFF")
    raw.add("m/mountain/float", stream.getvalue())
    return {
        "m/mountain/same": "duplicate",
        "s/street/other": "not_landscape",
        "m/mountain/cut": "undecodable",
        "m/mountain/text": "undecodable",
        "m/mountain/small": "too_small",
        "m/mountain/gray": "gray",
        "m/mountain/scan": "gray",
        "m/mountain/float": "unsupported",
    }


def test_every_reason_is_given(raw: Raw) -> None:
    expected = one_of_each(raw)
    rows = raw.filter(FilterParams(max_distance=8, split=SplitParams(val=0, test=0)))
    expected["m/mountain/again"] = "near_duplicate"  # the smaller of the two that look the same
    assert {name: row.reason for name, row in rows.items() if row.reason} == expected
    assert [name for name, row in rows.items() if row.kept] == ["m/mountain/good"]
    assert raw.metrics == {
        "photos": 10, "kept": 1, "split_train": 1, "split_val": 0, "split_test": 0,
        "dropped_not_landscape": 1, "dropped_undecodable": 2, "dropped_too_small": 1,
        "dropped_gray": 2, "dropped_unsupported": 1,
        "dropped_duplicate": 1, "dropped_near_duplicate": 1,
    }  # fmt: skip


def test_a_photo_that_is_away_stops_the_stage(raw: Raw) -> None:
    """A disk that is not mounted this minute would leave a catalog without its photos, for good."""
    raw.add("m/mountain/here", jpeg(picture(0)))
    gone = Path(raw.add("m/mountain/gone", jpeg(picture(5))).path)
    away = gone.rename(gone.with_name("away"))
    with pytest.raises(HuescapeError, match=r"gone\S*: No such file or directory, though it was"):
        raw.filter(KEEP_ALL)
    assert not (raw.root / "catalog").exists()
    away.rename(gone)
    assert len(raw.filter(KEEP_ALL)) == 2


def test_measurements_are_recorded(raw: Raw) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    picture(0).save(stream, "JPEG", exif=exif)
    raw.add("turned", stream.getvalue())
    raw.add("small", jpeg(picture(1, 50, 40)))
    rows = raw.filter(KEEP_ALL)
    assert (rows["turned"].width, rows["turned"].height) == (120, 160)
    assert rows["turned"].chroma is not None
    assert 5 < rows["turned"].chroma < 100
    assert len(rows["turned"].phash) == 16
    assert (rows["small"].width, rows["small"].height) == (50, 40)
    assert (rows["small"].chroma, rows["small"].phash, rows["small"].split) == (None, "", "")


def test_chroma_is_the_mean_over_the_photo() -> None:
    """Half red, half gray: half the chroma of red, known from the Lab values of sRGB red."""
    image = Image.new("RGB", (64, 32), (255, 0, 0))
    image.paste((119, 119, 119), (32, 0, 64, 32))
    assert stage.mean_chroma(image) == pytest.approx(np.hypot(80.09, 67.20) / 2, abs=0.01)


def test_chroma_threshold_is_not_included(raw: Raw) -> None:
    raw.add("photo", jpeg(picture(0)))
    chroma = raw.filter(KEEP_ALL)["photo"].chroma
    assert chroma is not None
    at = raw.filter(KEEP_ALL.model_copy(update={"min_chroma": chroma}))
    assert at["photo"].kept
    raw.add("other", jpeg(Image.new("RGB", (160, 120), (255, 0, 0))))
    above = raw.filter(KEEP_ALL.model_copy(update={"min_chroma": chroma + 0.001}))
    assert above["photo"].reason == "gray"


@pytest.mark.parametrize(
    ("categories", "kept"),
    [("core", ["a"]), ("extended", ["a", "b"]), ("all", ["a", "b", "c"])],
)
def test_tiers(raw: Raw, categories: str, kept: list[str]) -> None:
    for number, (name, tier) in enumerate((("a", "core"), ("b", "extended"), ("c", "none"))):
        raw.add(name, jpeg(picture(number)), tier=tier)
    rows = raw.filter(KEEP_ALL.model_copy(update={"categories": categories}))
    assert [name for name, row in rows.items() if row.kept] == kept


def test_categories_of_colorunet_go_by_name(raw: Raw) -> None:
    """Whatever the tier: two of them are core, golf courses extended, cemeteries in no tier."""
    named = {"c/coast": "core", "g/golf_course": "extended", "c/cemetery": "none"}
    for number, (category, tier) in enumerate({**named, "b/badlands": "core"}.items()):
        raw.add(f"{category}/x{number}", jpeg(picture(number)), tier=tier)
    rows = raw.filter(KEEP_ALL.model_copy(update={"categories": "colorunet"}))
    kept = {row.category for row in rows.values() if row.kept}
    assert kept == set(named)
    assert rows["b/badlands/x3"].reason == "not_landscape"


def test_members_of_a_tar_are_read_in_place(raw: Raw) -> None:
    first, second = jpeg(picture(0)), jpeg(picture(1))
    tar = raw.root / "n1.tar"
    tar.write_bytes(b"x" * 512 + first + second)
    raw.list_("n1/a", tar, "512", first)
    raw.list_("n1/b", tar, str(512 + len(first)), second)
    rows = raw.filter(KEEP_ALL)
    assert all(row.kept for row in rows.values())
    assert rows["n1/b"].offset == 512 + len(first)


def test_changed_photo_is_one_line(raw: Raw) -> None:
    row = raw.add("photo", jpeg(picture(0)))
    Path(row.path).write_bytes(jpeg(picture(1)))
    with pytest.raises(HuescapeError, match=r"photo\.jpg: changed since .* -f download") as caught:
        raw.filter(KEEP_ALL)
    assert "\n" not in str(caught.value)
    assert not (raw.root / "catalog").exists()


def test_copies_never_straddle_splits(raw: Raw) -> None:
    """The largest file stays, in the split of the copy that is tested on, then of val."""
    pictures = [jpeg(picture(0), quality) for quality in (60, 70, 80, 90, 95)]
    for number, (data, split) in enumerate(
        zip(pictures, ("train", "test", "val", "train", "train"), strict=True)
    ):
        raw.add(f"p{number}", data, split=split)
    raw.add("q", jpeg(picture(1)), split="train")
    params = FilterParams(max_distance=8)
    rows = raw.filter(params)
    kept = {name: row.split for name, row in rows.items() if row.kept}
    assert kept == {"p4": "test", "q": "train"}
    raw.rows = [row for row in raw.rows if row.split != "test"]
    rows = raw.filter(params)
    assert {n: row.split for n, row in rows.items() if row.kept} == {"p4": "val", "q": "train"}


def test_thumbnails_never_take_the_place_of_their_photos(raw: Raw) -> None:
    """Folders of thumbnails that the walk does not know: the photos stay, in their splits."""
    params = FilterParams(max_distance=8, split=SplitParams(val=0.3, test=0.3))
    for number in range(12):
        raw.add(f"o{number}", jpeg(picture(number, 640, 480)))
    before = {name: row.split for name, row in raw.filter(params).items() if row.kept}
    for number in range(12):
        for side in (120, 240, 400):
            small = picture(number, 640, 480).resize((side, side * 3 // 4))
            raw.add(f"a/small{side}/{number}", jpeg(small, quality=98))
    after = {name: row.split for name, row in raw.filter(params).items() if row.kept}
    assert after == before
    assert len(before) == 12


def test_why_photos_are_refused_is_said(raw: Raw, capsys: pytest.CaptureFixture[str]) -> None:
    raw.add("good", jpeg(picture(0)), split="train")
    raw.add("large", jpeg(picture(1, 200, 150)))
    for number in range(5):
        raw.add(f"text{number}", b"not an image")
    rows = raw.filter(FilterParams(max_pixels=160 * 120))
    assert rows["large"].reason == "too_large"
    lines = capsys.readouterr().err.splitlines()
    assert (
        "huescape: filter: 's/large': too_large: 30,000 pixels; the limit is 19,200 pixels "
        "(filter.max_pixels)" in lines
    )
    assert sum("undecodable: not an image" in line for line in lines) == 3
    assert "huescape: filter: and 2 more undecodable" in lines
    assert raw.filter(FilterParams(max_pixels=200 * 150))["large"].kept


def test_exact_copies_are_tested_on_if_one_is(raw: Raw) -> None:
    data = jpeg(picture(0))
    raw.add("a", data, split="train")
    raw.add("b", data, split="test")
    raw.add("c", jpeg(picture(1)), split="train")
    rows = raw.filter(KEEP_ALL)
    assert (rows["a"].split, rows["b"].reason) == ("test", "duplicate")


def test_split_lists_are_honored_or_not(raw: Raw) -> None:
    for number in range(12):
        raw.add(f"{number:02d}", jpeg(picture(number)), split="val" if number % 2 else "")
    split = SplitParams(val=0.2, test=0.2)
    listed = raw.filter(FilterParams(max_distance=0, split=split))
    ignored = raw.filter(
        FilterParams(max_distance=0, split=split.model_copy(update={"honor_lists": False}))
    )
    for number, (name, row) in enumerate(listed.items()):
        by_content = split_of(row.sha256, 0.2, 0.2)
        assert row.split == ("val" if number % 2 else by_content)
        assert ignored[name].split == by_content


def test_nothing_left_says_the_funnel(raw: Raw) -> None:
    raw.add("a", jpeg(picture(0, 50, 50)))
    raw.add("b", b"text")
    with pytest.raises(
        HuescapeError,
        match=r"no photo is left\. 2 photos: 1 undecodable, 1 too_small, 0 kept \(0 train",
    ):
        raw.filter(KEEP_ALL)
    assert not (raw.root / "catalog").exists()


def test_no_training_photo_says_the_funnel(raw: Raw) -> None:
    raw.add("a", jpeg(picture(0)), split="test")
    with pytest.raises(
        HuescapeError, match=r"left to train on\. 1 photos: 1 kept \(0 train, 0 val"
    ):
        raw.filter(KEEP_ALL)


def test_no_test_photo_is_said_before_the_training(
    raw: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.add("a", jpeg(picture(0)), split="train")
    raw.filter(KEEP_ALL)
    (line,) = capsys.readouterr().err.splitlines()
    assert "warning: filter: no photo is left to test on" in line
    assert "1 kept (1 train, 0 val, 0 test)" in line


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_too_little_memory_names_the_photo(raw: Raw) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8000, 8000), (200, 30, 20)).save(stream, "PNG")
    raw.add("large", stream.getvalue())
    write_manifest(raw.root / "manifest.csv", raw.rows)
    code = f"""
import resource
from pathlib import Path
from huescape.base.errors import HuescapeError
from huescape.params.photos import FilterParams
from huescape.stages import filter
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 150_000_000,) * 2)
root = Path({str(raw.root)!r})
try:
    filter.run(root, root / "catalog", FilterParams())
except HuescapeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "large.jpg: too little memory to decode it; fewer workers" in done.stdout
    assert not (raw.root / "catalog").exists()


def test_missing_manifest_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="`dvc repro download` makes it"):
        stage.run(tmp_path, tmp_path / "catalog", KEEP_ALL)


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_bytes_do_not_depend_on_workers_or_order(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    one_of_each(raw)
    for number in range(10, 60):
        raw.add(f"f/field/{number}", jpeg(picture(number), quality=50))
    raw.filter(FilterParams(max_distance=8), out="one")
    monkeypatch.setenv("HUESCAPE_WORKERS", "3")
    raw.rows.reverse()
    raw.filter(FilterParams(max_distance=8), out="three")
    first = outputs(raw.root / "one")
    assert sorted(first) == ["SHA256SUMS", "catalog.parquet", "summary.csv", "summary.json"]
    assert outputs(raw.root / "three") == first
    counted = json.loads(first["summary.json"])
    table = list(csv.DictReader(io.StringIO(first["summary.csv"].decode())))
    assert sum(int(line["photos"]) for line in table) == counted["photos"] == 60


def real_rows(folder: str) -> list[tuple[str, Path]]:
    root = PHOTOS / folder
    if not root.is_dir():
        pytest.skip(f"no real photos in {root} (set HUESCAPE_TEST_PHOTOS)")
    files = (path for path in root.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    return [(path.relative_to(root).with_suffix("").as_posix(), path) for path in sorted(files)]


def test_real_gray_photos_are_dropped(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ImageNet sample holds 23 JPEGs of one channel; each is gray, none is an error."""
    monkeypatch.setenv("HUESCAPE_WORKERS", "2")
    gray = set()
    for name, path in real_rows("imagenet_sample"):
        data = path.read_bytes()
        raw.list_(name, path, "", data)
        if Image.open(io.BytesIO(data)).mode == "L":
            gray.add(name)
    rows = raw.filter(FilterParams(max_distance=8))
    assert len(gray) == 23
    assert gray <= {name for name, row in rows.items() if row.reason == "gray"}
    assert not {row.reason for row in rows.values()} & {"undecodable", "unsupported"}


def test_real_copies_are_found(raw: Raw) -> None:
    """Pairs of SUN397 that show the same photo, found by looking; and a pair that does not."""
    files = dict(real_rows("sun397_subset"))
    same = [
        ("d/desert/sand/sun_bblpdgabxhhyyyvh", "d/desert/sand/sun_bycqplbacuzcczpa"),
        ("o/ocean/sun_abcvnfnayahadlnq", "o/ocean/sun_agogiupccjnrjuue"),
        ("b/bamboo_forest/sun_aaiquffkgurupglf", "b/bamboo_forest/sun_avgqhiybsolgqqhl"),
        ("r/rainforest/sun_abstvjilmxprhetc", "r/rainforest/sun_appiflclgyzqrjao"),
        ("b/bamboo_forest/sun_agzusakfhvqjrfra", "b/bamboo_forest/sun_apvmzzkwfayvhqop"),
    ]
    other = ("b/bamboo_forest/sun_aufkqcxlhjixiser", "m/mountain/sun_aelexidckcelbuom")
    for name in (name for pair in (*same, other) for name in pair):
        raw.list_(name, files[name], "", files[name].read_bytes())
    rows = raw.filter(FilterParams(max_distance=8))
    for pair in same:
        assert sorted(rows[name].reason for name in pair) == ["", "near_duplicate"]
    assert [rows[name].reason for name in other] == ["", ""]
