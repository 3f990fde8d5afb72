"""Which photos of a source are scored."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from huescape.base.errors import HuescapeError, ParamsError
from huescape.generalization.unseen import LEARNED, as_test
from huescape.params.unseen import told_as
from huescape.photos.catalog import CatalogRow


def row(name: str, split: str, phash: int, sha: str = "") -> CatalogRow:
    facts = (
        name,
        f"{name}.jpg",
        None,
        9,
        "s",
        "c",
        "core",
        hashlib.sha256((sha or name).encode()).hexdigest(),
        99,
        99,
        9.0,
    )
    return CatalogRow(*facts, f"{phash:016x}", split, True, "")


def prints(*rows: CatalogRow) -> tuple[np.ndarray, np.ndarray]:
    """What `prints_of` finds of photos that are learned from."""
    some = [one for one in rows if one.split in LEARNED]
    sha256 = np.array([bytes.fromhex(one.sha256) for one in some], "S32")
    return sha256, np.array([int(one.phash, 16) for one in some], np.uint64)


def test_all_is_tested_but_copies_of_what_was_learned_from() -> None:
    known = [
        row("a", "train", 0),
        row("b", "val", 0xFF00),
        row("c", "test", 0xFFFF0000),
        replace(row("d", "", 0xFFFF00000000), kept=False, reason="gray"),
    ]
    own = [
        row("far", "train", 0xF0F0F0F0F0F0F0F0),
        row("same", "train", 0xF0F0F0F00000, sha="a"),
        row("near_train", "train", 0xFF),
        row("near_val", "val", 0xFF10),
        row("just_beyond", "train", 0x3FF),
        row("near_test", "train", 0xFFFF0000),
        row("near_dropped", "train", 0xFFFF00000000),
        replace(row("small", "", 0), kept=False, reason="too_small"),
    ]
    found = {r.id: (r.kept, r.split, r.reason) for r in as_test(own, prints(*known), 8)}
    assert found == {
        "far": (True, "test", ""),
        "same": (False, "", "duplicate"),
        "near_train": (False, "", "near_duplicate"),
        "near_val": (False, "", "near_duplicate"),
        "just_beyond": (True, "test", ""),
        "near_test": (True, "test", ""),
        "near_dropped": (True, "test", ""),
        "small": (False, "", "too_small"),
    }


def test_many_photos_are_compared_as_few_are() -> None:
    known = [row("a", "train", 1 << 40)]
    own = [
        row(f"p{k}", "train", (1 << 40) if k % 300 == 7 else ~k & (2**64 - 1)) for k in range(700)
    ]
    dropped = [r.id for r in as_test(own, prints(*known), 8) if not r.kept]
    assert dropped == ["p7", "p307", "p607"]


def test_nothing_left_is_one_line() -> None:
    with pytest.raises(HuescapeError, match="gather: no photo is left to score") as caught:
        as_test([row("a", "train", 0)], prints(row("b", "train", 0)), 8)
    assert "near_duplicate" in str(caught.value)
    assert as_test([row("a", "train", 0)], prints(), 8)[0].split == "test"


def test_messages_name_the_key_that_the_user_wrote() -> None:
    for kind in (HuescapeError, ParamsError):
        with (
            pytest.raises(kind, match=r"^p: unseen\.bsds\.source\.root is wrong$"),
            told_as("unseen.bsds.source"),
        ):
            raise kind("p: download.sources.0.root is wrong")
