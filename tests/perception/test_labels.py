"""The classes of ImageNet, and what a photo's category and name say."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from huescape.base.errors import HuescapeError
from huescape.perception.labels import (
    NO_CLASS,
    OTHERS,
    TRAINING,
    VALIDATION,
    classes,
    group_of,
    labels_of,
)
from huescape.sources.categories import imagenet_classes
from tests.perception.made import catalog_row


def row(photo: str, category: str) -> Any:
    return replace(catalog_row(photo, "test"), category=category)


def test_the_thousand_classes_in_their_order() -> None:
    wnids = list(classes())
    assert len(wnids) == 1000
    assert wnids == sorted(wnids)
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in wnids)
    # Known outputs of every network of ImageNet-1k.
    known = {0: "n01440764", 1: "n01443537", 207: "n02099601", 281: "n02123045", 970: "n09193705"}
    assert {number: wnids[number] for number in known} == known
    assert wnids[999] == "n15075141"
    landscapes = imagenet_classes()
    assert {wnid: classes()[wnid] for wnid in landscapes} == {
        wnid: one.name for wnid, one in landscapes.items()
    }


def test_labels_and_groups() -> None:
    rows = [
        row("imagenet/n09193705/n09193705_10026", "n09193705"),
        row("imagenet/n01440764/ILSVRC2012_val_00000293", "n01440764"),
        row("sun/m/mountain/sun_a", "m/mountain"),
        row("mine/ILSVRC2012_val_00000293", ""),
    ]
    assert labels_of(rows) == [970, 0, NO_CLASS, NO_CLASS]
    assert [group_of(one) for one in rows] == [TRAINING, VALIDATION, OTHERS, OTHERS]


def test_a_wnid_of_another_imagenet_is_refused() -> None:
    with pytest.raises(HuescapeError, match=r"photos/x.*n00005787 is no class of ImageNet-1k"):
        labels_of([row("photos/x", "n00005787")])
