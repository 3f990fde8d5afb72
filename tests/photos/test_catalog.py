"""The catalog: written and read back, its splits, digest and summaries."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.photos.catalog import (
    COLUMNS,
    CatalogRow,
    dataset_digest,
    funnel,
    kept_rows,
    partition_of,
    read_catalog,
    read_partition,
    split_of,
    summary,
    write_catalog,
    write_summary_table,
)

SHA = st.binary(min_size=32, max_size=32).map(bytes.hex)


def row(number: int, **changes: object) -> CatalogRow:
    base = CatalogRow(
        id=f"s/{number:03d}",
        path=f"data/raw/{number}.jpg",
        offset=None,
        bytes=1000 + number,
        source="s",
        category="m/mountain",
        tier="core",
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        width=320,
        height=200,
        chroma=12.5,
        phash="00e1234567890123",
        split="train",
        kept=True,
        reason="",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


DROPPED = {"kept": False, "split": ""}
ROWS = [
    row(0),
    row(1, split="test", category='with,comma and "quotes"', offset=0),
    row(2, reason="gray", chroma=0.0, **DROPPED),
    row(3, reason="undecodable", chroma=None, phash="", width=0, height=0, offset=512, **DROPPED),
    row(4, source="t", split="val", category=""),
]


def test_round_trip_sorted_by_id(tmp_path: Path) -> None:
    write_catalog(tmp_path / "catalog.csv", reversed(ROWS))
    assert read_catalog(tmp_path / "catalog.csv") == ROWS
    lines = (tmp_path / "catalog.csv").read_text().splitlines()
    assert lines[0] == (
        "id,path,offset,bytes,source,category,tier,sha256,width,height,chroma,phash,split,kept,reason"
    )
    assert lines[1].endswith(",320,200,12.500,00e1234567890123,train,true,")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, st.sampled_from(ROWS)), unique_by=lambda t: t[0]))
def test_any_name_comes_back(
    tmp_path_factory: pytest.TempPathFactory, some: list[tuple[str, str, str, CatalogRow]]
) -> None:
    rows = [replace(r, id=i, path=p, category=c) for i, p, c, r in some]
    path = tmp_path_factory.mktemp("c") / "catalog.csv"
    write_catalog(path, rows)
    assert read_catalog(path) == sorted(rows, key=lambda r: r.id)


@pytest.mark.parametrize(
    "text", ["", "a,b\n", ",".join(COLUMNS) + "\n1,2\n", "\xff\xfe", "with,a,hole\n\n"]
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalog.csv"
    path.write_bytes(text.encode("latin-1"))
    reseal(path)
    with pytest.raises(HuescapeError, match=r"catalog\.csv"):
        read_catalog(path)


@pytest.mark.parametrize(("column", "value"), [("kept", "yes"), ("width", "wide"), ("offset", "-")])
def test_damaged_record_is_named(tmp_path: Path, column: str, value: str) -> None:
    path = tmp_path / "catalog.csv"
    write_catalog(path, ROWS)
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    cells[list(COLUMNS).index(column)] = value
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    with pytest.raises(HuescapeError, match=r"catalog\.csv: damaged: .*-s -f filter"):
        read_catalog(path)
    reseal(path)
    with pytest.raises(HuescapeError, match="record 2 is damaged"):
        read_catalog(path)


def test_partitions_hold_each_kept_photo_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    rows = [replace(r, sha256=hashlib.sha256(r.id.encode()).hexdigest()) for r in ROWS]
    write_catalog(path, rows)
    for number in range(3):
        expected = [r for r in kept_rows(rows) if partition_of(r.sha256, 3) == number]
        assert read_partition(path, number, 3) == expected
    assert kept_rows(rows) == sorted(
        (row for k in range(3) for row in read_partition(path, k, 3)), key=lambda r: r.id
    )


@pytest.mark.parametrize(("column", "value"), [("kept", "yes"), ("sha256", "z" * 64)])
def test_partition_names_a_damaged_record_by_its_place(
    tmp_path: Path, column: str, value: str
) -> None:
    path = tmp_path / "catalog.csv"
    write_catalog(path, ROWS)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[5][list(COLUMNS).index(column)] = value
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    reseal(path)
    with pytest.raises(HuescapeError, match="record 6 is damaged"):
        read_partition(path, partition_of(ROWS[4].sha256, 3), 3)


def test_missing_catalog_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="`dvc repro filter` makes it"):
        read_catalog(tmp_path / "catalog.csv")


@pytest.mark.parametrize("digits", ["", "0", "fff"], ids=["all", "smallest first", "largest"])
def test_split_shares_are_those_asked_for(digits: str) -> None:
    """Of photos that somebody chose by their digest, too."""
    hashes = [hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(20_000)]
    counts = Counter(split_of(digits + sha256[len(digits) :], 0.1, 0.15) for sha256 in hashes)
    assert counts["test"] / 20_000 == pytest.approx(0.15, abs=0.01)
    assert counts["val"] / 20_000 == pytest.approx(0.10, abs=0.01)


def test_split_bounds() -> None:
    sha256 = "0" * 64
    u = int(hashlib.sha256(f"split {sha256}".encode()).hexdigest()[:13], 16) / 16**13
    assert split_of(sha256, 0.1, u + 1e-9) == "test"
    assert split_of(sha256, 0.1, u) == "val"  # u is not below u
    assert split_of(sha256, u + 1e-9, 0.0) == "val"
    assert split_of(sha256, u, 0.0) == "train"
    assert split_of(sha256, 0.0, 0.0) == "train"


@given(SHA, st.floats(0, 0.5), st.floats(0, 0.4), st.floats(0, 0.1))
def test_a_larger_test_share_only_takes_photos(
    sha256: str, val: float, test: float, more: float
) -> None:
    if split_of(sha256, val, test) == "test":
        assert split_of(sha256, val, test + more) == "test"


@given(SHA, st.integers(1, 10_000))
def test_partition_is_in_range(sha256: str, partitions: int) -> None:
    assert 0 <= partition_of(sha256, partitions) < partitions


def test_digest_depends_on_contents_and_splits_only() -> None:
    digest = dataset_digest(ROWS)
    assert dataset_digest(list(reversed(ROWS))) == digest
    assert dataset_digest([replace(r, id=r.id + "x", path="moved") for r in ROWS]) == digest
    assert dataset_digest([replace(ROWS[0], split="val"), *ROWS[1:]]) != digest
    assert dataset_digest(ROWS[1:]) != digest
    assert dataset_digest([r for r in ROWS if r.kept]) == digest


def test_summaries_count(tmp_path: Path) -> None:
    assert summary(ROWS) == {
        "photos": 5,
        "kept": 3,
        "reasons": {"gray": 1, "undecodable": 1},
        "splits": {"train": 1, "val": 1, "test": 1},
        "categories": {"": 1, "m/mountain": 1, 'with,comma and "quotes"': 1},
        "dataset_digest": dataset_digest(ROWS),
    }
    write_summary_table(tmp_path / "summary.csv", ROWS)
    assert (tmp_path / "summary.csv").read_text() == (
        "source,reason,photos\ns,gray,1\ns,kept,2\ns,undecodable,1\nt,kept,1\n"
    )
    assert funnel(ROWS) == ("5 photos: 1 undecodable, 1 gray, 3 kept (1 train, 1 val, 1 test)")
    assert [r.id for r in kept_rows(reversed(ROWS))] == ["s/000", "s/001", "s/004"]
