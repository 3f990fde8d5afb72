"""A system learns from the photos that its parameters name, and from no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.color.spaces import SPACES
from huescape.params.systems import AugmentationParams, GeometryParams, PhotosParams
from huescape.shards import ShardSet
from huescape.training.batches import Batches
from huescape.training.selection import training_rows


def test_all_without_a_word(targets: Path) -> None:
    shards = ShardSet.open(targets / "shards")
    assert training_rows(shards, PhotosParams()).tolist() == shards.rows("train").tolist()


@given(few=st.floats(0.05, 1), many=st.floats(0.05, 1))
def test_a_smaller_share_is_part_of_a_larger(targets: Path, few: float, many: float) -> None:
    shards = ShardSet.open(targets / "shards")

    def chosen(share: float) -> set[int]:
        try:
            return set(training_rows(shards, PhotosParams(share=share)).tolist())
        except HuescapeError:
            return set()

    small, large = chosen(min(few, many)), chosen(max(few, many))
    assert small <= large <= set(shards.rows("train").tolist())


def test_patterns_name_photos(targets: Path) -> None:
    shards = ShardSet.open(targets / "shards")
    names = [shards.ids[row] for row in shards.rows("train")]
    rows = training_rows(shards, PhotosParams(only=(names[0], f"{names[2]}*")))
    assert {shards.ids[row] for row in rows} == {n for n in names if n.startswith(names[2])} | {
        names[0]
    }


def test_a_pattern_that_matches_nothing_is_named_with_an_id(targets: Path) -> None:
    shards = ShardSet.open(targets / "shards")
    first = shards.ids[shards.rows("train")[0]]
    words = rf"photos\.only: 'nothing/\*' matches none of the \d+ training photos, as {first}"
    with pytest.raises(HuescapeError, match=words):
        training_rows(shards, PhotosParams(only=(first, "nothing/*")))


def test_a_share_that_leaves_nothing_is_refused(targets: Path) -> None:
    with pytest.raises(HuescapeError, match=r"photos\.share is 1e-09, which leaves none"):
        training_rows(ShardSet.open(targets / "shards"), PhotosParams(share=1e-9))


def test_batches_hold_the_chosen_photos(targets: Path) -> None:
    shards = ShardSet.open(targets / "shards")
    row = int(shards.rows("train")[1])
    plain = AugmentationParams(flip=False), GeometryParams()
    params = PhotosParams(only=(shards.ids[row],))
    batches = Batches(shards, SPACES["yuv"], *plain, size=2, seed=0, photos=params)
    alone = batches.unaugmented(shards.rows("train")[1:2]).input_N1HW
    assert batches.epoch == 1
    for step in range(3):
        assert torch.equal(batches.train(step).input_N1HW, alone.expand(2, -1, -1, -1))
