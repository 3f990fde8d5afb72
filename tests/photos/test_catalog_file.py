"""The catalog's file: what is written comes back, whole, by photo, by column and by partition."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.base.parquet import GROUP
from huescape.photos.catalog import REASONS, SPLITS, CatalogRow, partition_of
from huescape.photos.catalog_file import (
    CATALOG,
    COLUMNS,
    Partitions,
    known_rows,
    prints_of,
    read_catalog,
    read_kept,
    read_partition,
    rows_of,
    values_of,
    write_catalog,
)
from tests.photos.test_catalog import ROWS, SHA, row

DOCUMENT = Path(__file__).parents[2] / "docs" / "shards.md"

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NAMES = TEXT.filter(bool)
NUMBERS = st.integers(0, 2**63 - 1)
SIDES = st.integers(0, 2**31 - 1)
HASHES = st.integers(0, 2**64 - 1).map("{:016x}".format)
KEPT = st.fixed_dictionaries(
    {"kept": st.just(True), "split": st.sampled_from(SPLITS), "phash": HASHES}
)
DROPPED = st.fixed_dictionaries(
    {"kept": st.just(False), "reason": st.sampled_from(REASONS), "phash": st.just("") | HASHES}
)


@st.composite
def catalog_rows(draw: st.DrawFn) -> CatalogRow:
    """Any row that the stage may write."""
    return CatalogRow(**{
        "id": draw(NAMES), "path": draw(NAMES.filter(lambda path: "\0" not in path)),
        "offset": draw(st.none() | NUMBERS), "bytes": draw(NUMBERS), "source": draw(TEXT),
        "category": draw(TEXT), "tier": draw(TEXT), "sha256": draw(SHA), "width": draw(SIDES),
        "height": draw(SIDES), "chroma": draw(st.none() | st.floats(0, 10_000, exclude_max=True)),
        "split": "", "reason": "", **draw(KEPT | DROPPED),
    })  # fmt: skip


TABLES = st.lists(catalog_rows(), unique_by=lambda photo: photo.id)


def by_id(rows: list[CatalogRow]) -> list[CatalogRow]:
    return sorted(rows, key=lambda photo: photo.id)


def many(count: int) -> list[CatalogRow]:
    """Rows of several groups; every ninth photo is dropped."""
    dropped = {"kept": False, "split": "", "reason": "gray"}
    return [
        row(n, id=f"s/{n:07d}", **({"split": SPLITS[n % 3]} if n % 9 else dropped))
        for n in range(count)
    ]


@given(TABLES, st.integers(1, 7))
def test_whatever_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[CatalogRow], partitions: int
) -> None:
    path = tmp_path_factory.mktemp("c") / CATALOG
    write_catalog(path, by_id(rows))
    assert read_catalog(path) == by_id(rows)
    kept = by_id([photo for photo in rows if photo.kept])
    assert read_kept(path) == kept
    lazily = Partitions(path, partitions)
    assert lazily.total == len(kept)
    for number in range(partitions):
        own = [photo for photo in kept if partition_of(photo.sha256, partitions) == number]
        assert read_partition(path, number, partitions) == own
        assert lazily[number] == own
    some = [photo.id for photo in rows[::2]]
    assert rows_of(path, some) == rows[::2]
    assert values_of(path, "category", some) == [photo.category for photo in rows[::2]]
    bits = [int(photo.phash, 16) if photo.phash else None for photo in rows[::2]]
    assert values_of(path, "phash", some) == bits
    assert known_rows(path, [*some, "\0nobody"]) == {photo.id: photo for photo in rows[::2]}


@given(TABLES)
def test_bytes_follow_from_the_rows_alone(
    tmp_path_factory: pytest.TempPathFactory, rows: list[CatalogRow]
) -> None:
    folder = tmp_path_factory.mktemp("c")
    write_catalog(folder / "first", by_id(rows))
    write_catalog(folder / "second", iter(by_id(rows)))
    assert (folder / "first").read_bytes() == (folder / "second").read_bytes()


def test_bytes_are_those_of_another_process(tmp_path: Path) -> None:
    """Neither the seed of Python's hashes nor the number of threads goes into them."""
    program = (
        "import sys; from pathlib import Path; from tests.photos.test_catalog_file import many\n"
        "from huescape.photos.catalog_file import write_catalog\n"
        "write_catalog(Path(sys.argv[1]), many(20_000))\n"
    )
    write_catalog(tmp_path / "here", many(20_000))
    for seed, threads in (("1", "1"), ("2", "7")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
        path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        env["PYTHONPATH"] = os.pathsep.join(path)
        command = [sys.executable, "-c", program, str(tmp_path / seed)]
        subprocess.run(command, check=True, env=env)
        assert (tmp_path / seed).read_bytes() == (tmp_path / "here").read_bytes()


@pytest.mark.parametrize("rows", [ROWS[::-1], [*ROWS, ROWS[-1]]], ids=["falling", "twice"])
def test_rows_that_a_reader_would_refuse_are_not_written(
    tmp_path: Path, rows: list[CatalogRow]
) -> None:
    with pytest.raises(ValueError, match="after 's/"):
        write_catalog(tmp_path / CATALOG, rows)
    assert not [*tmp_path.iterdir()]


def test_groups_of_rows_are_one_table(tmp_path: Path) -> None:
    rows = many(2 * GROUP + 5)
    write_catalog(tmp_path / CATALOG, rows)
    assert pq.ParquetFile(tmp_path / CATALOG).num_row_groups == 3
    assert read_catalog(tmp_path / CATALOG) == rows
    found = [photo for k in range(50) for photo in read_partition(tmp_path / CATALOG, k, 50)]
    assert by_id(found) == read_kept(tmp_path / CATALOG) == [photo for photo in rows if photo.kept]


def test_partitions_are_held_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(900)
    write_catalog(tmp_path / CATALOG, rows)
    monkeypatch.setattr(Partitions, "HELD", 200)
    members = Partitions(tmp_path / CATALOG, 20)
    for number in (*range(20), 7, 19, 0):
        own = [photo for photo in rows if photo.kept and partition_of(photo.sha256, 20) == number]
        assert members[number] == own
        assert sum(map(len, members._held.values())) <= 300


def test_prints_are_of_the_kept_photos_of_some_splits(tmp_path: Path) -> None:
    rows = many(GROUP + 100)
    write_catalog(tmp_path / CATALOG, rows)
    sha256_K, hash_K = prints_of(tmp_path / CATALOG, ("train", "val"))
    learned = [photo for photo in rows if photo.split in ("train", "val")]
    own = np.array([bytes.fromhex(photo.sha256) for photo in learned], "S32")
    np.testing.assert_array_equal(sha256_K, own)
    assert hash_K.tolist() == [int(photo.phash, 16) for photo in learned]


def test_what_people_read_by_other_programs(tmp_path: Path) -> None:
    """Plain types, no metadata of pandas, texts as texts."""
    write_catalog(tmp_path / CATALOG, ROWS)
    file = pq.ParquetFile(tmp_path / CATALOG)
    assert file.schema_arrow.names == list(COLUMNS)
    assert not file.metadata.metadata
    found = file.read().to_pandas()
    assert found["category"].tolist() == [photo.category for photo in ROWS]
    assert found["sha256"].map(bytes.hex).tolist() == [photo.sha256 for photo in ROWS]
    assert found["chroma"].isna().tolist() == [photo.chroma is None for photo in ROWS]


def test_what_the_documents_show_of_pandas_keeps_every_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalog(tmp_path / "data" / "catalog" / CATALOG, ROWS)
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall("```python\n(import pandas.*?)```", DOCUMENT.read_text(), re.DOTALL)
    exec(shown, {})
    found = pd.read_csv("catalog.csv", dtype=str, keep_default_na=False)
    hashes = [str(int(photo.phash, 16)) if photo.phash else "" for photo in ROWS]
    assert "" in hashes
    assert found["phash"].tolist() == hashes
    assert found["sha256"].tolist() == [photo.sha256 for photo in ROWS]


def test_a_photo_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    write_catalog(tmp_path / CATALOG, ROWS)
    for look in (rows_of, lambda path, ids: values_of(path, "category", ids)):
        with pytest.raises(HuescapeError, match=r"catalog\.parquet: 's/9' is not there, though"):
            look(tmp_path / CATALOG, ["s/000", "s/9"])


def test_missing_catalog_names_the_stage(tmp_path: Path) -> None:
    (tmp_path / "catalog.csv").write_text("id\n")  # of an older version
    with pytest.raises(HuescapeError, match=r"catalog\.parquet: no such file; `dvc repro filter`"):
        read_catalog(tmp_path / CATALOG)


def test_a_partition_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """Four times the rows take less than 4 MB more, of 9 MB that they are more."""
    program = (
        "import re, sys; from pathlib import Path\n"
        "from huescape.photos.catalog_file import read_partition\n"
        "rows = read_partition(Path(sys.argv[1]), 1, 10_000)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    peaks = []
    for count in (50_000, 200_000):
        path = tmp_path / str(count) / CATALOG
        write_catalog(path, many(count))
        command = [sys.executable, "-c", program, str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 4096
