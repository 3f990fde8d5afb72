"""Copies: which one stays, and in which split. On rows alone, as laws."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.photos.catalog import CatalogRow, split_of
from huescape.photos.copies import drop_copies
from huescape.photos.judged import Judged

VAL, TEST = 0.3, 0.3
LISTED = st.sampled_from(["", "", "train", "val", "test"])


def row(number: int, looks: int, width: int, size: int = 1000, listed: str = "") -> CatalogRow:
    """A photo; those of equal `looks` are near copies, and no others are."""
    return CatalogRow(
        id=f"{number:03d}", path="", offset=None, bytes=size, source="s", category="", tier="core",
        sha256=hashlib.sha256(f"{looks} {width} {size}".encode()).hexdigest(),
        width=width, height=width, chroma=9.0,
        phash=f"{(1 << 4 * looks) * (1 if width % 2 else 3):016x}",  # copies differ in one bit
        split=listed, kept=True, reason="",
    )  # fmt: skip


@st.composite
def collections(draw: st.DrawFn) -> list[CatalogRow]:
    count = draw(st.integers(0, 14))
    return [
        row(n, draw(st.integers(0, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 2)),
            draw(LISTED))
        for n in range(count)
    ]  # fmt: skip


def fates(rows: list[CatalogRow]) -> list[CatalogRow]:
    """The rows by id, without copies."""
    ordered = sorted(rows, key=lambda r: r.id)
    photos = Judged.of_none(len(rows))
    for n, one in enumerate(ordered):
        photos.put(n, one)
    drop_copies(photos, 1, VAL, TEST)
    return [replace(one, **photos.found(n)) for n, one in enumerate(ordered)]  # type: ignore[arg-type]


def kept(rows: list[CatalogRow]) -> dict[str, CatalogRow]:
    return {r.id: r for r in fates(rows) if r.kept}


def looks(row: CatalogRow) -> int:
    return (int(row.phash, 16).bit_length() - 1) // 4


@given(collections())
def test_the_largest_of_each_group_stays(rows: list[CatalogRow]) -> None:
    out = fates(rows)
    assert [r.id for r in out] == [r.id for r in rows]
    for look in {looks(r) for r in rows}:
        group = [r for r in out if looks(r) == look]
        (best,) = [r for r in group if r.kept]
        assert (best.width, best.bytes) == max((r.width, r.bytes) for r in group)
        assert {r.reason for r in group if not r.kept} <= {"duplicate", "near_duplicate"}
        assert all(r.split == "" for r in group if not r.kept)
        listed = {r.split for r in rows if looks(r) == look} - {""}
        expected = next((s for s in ("test", "val", "train") if s in listed), "")
        assert best.split == (expected or split_of(best.sha256, VAL, TEST))


@settings(max_examples=200)
@given(collections(), st.data())
def test_smaller_copies_change_nothing(rows: list[CatalogRow], data: st.DataObject) -> None:
    """No photo moves to another split, and none is replaced by a smaller one."""
    before = kept(rows)
    copied = data.draw(st.lists(st.sampled_from(rows), max_size=8)) if rows else []
    added = []
    for number, original in enumerate(copied):
        look = looks(original)
        largest = next(r for r in before.values() if looks(r) == look)
        # A scaled copy of the photo, an unlisted one: at most as large as it.
        width = data.draw(st.integers(1, largest.width))
        size = largest.bytes if width == largest.width else data.draw(st.integers(1, 9000))
        added.append(row(100 + number, look, width, size))
        # its name may come first or last
        added[-1] = replace(added[-1], id=data.draw(st.sampled_from("az")) + added[-1].id)
    after = kept(data.draw(st.permutations([*rows, *added])))
    assert {r.sha256: r.split for r in after.values()} == {
        r.sha256: r.split for r in before.values()
    }


@given(collections(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    rows: list[CatalogRow], random: st.DataObject
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert kept(shuffled) == kept(rows)


@pytest.mark.parametrize(("listed", "split"), [("test", "test"), ("val", "val")])
def test_a_listed_copy_decides_for_the_photo_that_stays(listed: str, split: str) -> None:
    found = kept([row(0, 0, 900), row(1, 0, 90, listed=listed), row(2, 0, 90, listed="train")])
    assert {name: r.split for name, r in found.items()} == {"000": split}


def test_contents_whose_digest_ends_in_zeros_get_their_own_split() -> None:
    """NumPy leaves zeros at the end of bytes out."""
    digests = [f"{n:02x}" * 31 + "00" for n in range(1, 17)]
    found = kept([replace(row(n, n, 9), sha256=digest) for n, digest in enumerate(digests)])
    assert [one.split for one in found.values()] == [split_of(d, VAL, TEST) for d in digests]
