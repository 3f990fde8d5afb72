"""The catalog: written and read back, its splits, digest and summaries."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.photos.catalog import (
    SPLITS,
    CatalogRow,
    Tally,
    partition_of,
    split_of,
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


def tally_of(rows: Iterable[CatalogRow]) -> Tally:
    tally = Tally()
    assert [*tally.counted(rows)] == [*rows]
    return tally


def digest(rows: Iterable[CatalogRow]) -> str:
    """As the tally has it, compared with sorted lines of text."""
    lines = sorted(f"{one.sha256} {one.split}\n" for one in rows if one.kept)
    found = tally_of(rows).digest()
    assert found == hashlib.sha256("".join(lines).encode()).hexdigest()
    return found


@given(st.lists(st.tuples(SHA, st.sampled_from(SPLITS))))
def test_digest_is_of_sorted_lines(photos: list[tuple[str, str]]) -> None:
    digest([row(0, sha256=sha256, split=split) for sha256, split in photos])
    digest([row(0, sha256="ab" * 31 + "00", split=split) for _, split in photos])


def test_digest_depends_on_contents_and_splits_only() -> None:
    whole = digest(ROWS)
    assert digest(ROWS[::-1]) == whole
    assert digest([replace(r, id=r.id + "x", path="moved") for r in ROWS]) == whole
    assert digest([replace(ROWS[0], split="val"), *ROWS[1:]]) != whole
    assert digest(ROWS[1:]) != whole
    assert digest([r for r in ROWS if r.kept]) == whole


def test_summaries_count(tmp_path: Path) -> None:
    tally = tally_of(ROWS)
    assert tally.summary() == {
        "photos": 5,
        "kept": 3,
        "reasons": {"gray": 1, "undecodable": 1},
        "splits": {"train": 1, "val": 1, "test": 1},
        "categories": {"": 1, "m/mountain": 1, 'with,comma and "quotes"': 1},
        "dataset_digest": digest(ROWS),
    }
    tally.write_table(tmp_path / "summary.csv")
    assert (tmp_path / "summary.csv").read_text() == (
        "source,reason,photos\ns,gray,1\ns,kept,2\ns,undecodable,1\nt,kept,1\n"
    )
    assert tally.funnel() == ("5 photos: 1 undecodable, 1 gray, 3 kept (1 train, 1 val, 1 test)")
