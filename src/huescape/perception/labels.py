"""The classes of ImageNet-1k, and what a photo's category says of its class.

The table is that of ILSVRC2012: a classifier's output k is the k-th wnid in their order. A wnid is
an offset in WordNet; the names are WordNet's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

from huescape.base.errors import HuescapeError
from huescape.photos.catalog import CatalogRow

#: Of a photo without a class, in place of the number of one.
NO_CLASS = -1
#: Groups of photos by what the classifiers have seen: see `group_of`.
TRAINING, VALIDATION, OTHERS = "imagenet_training", "imagenet_validation", "no_label"
GROUPS = (TRAINING, VALIDATION, OTHERS)

_WNID = re.compile(r"n\d{8}")
# The end of an id, which has no suffix where none is needed.
_VALIDATION = re.compile(r"(^|/)ILSVRC2012_val_\d{8}(\.JPEG)?$")


@cache
def classes() -> dict[str, str]:
    """The name of each of the 1,000 classes by wnid, in the order of a classifier's outputs."""
    text = (resources.files("huescape.perception") / "imagenet1k.csv").read_text(encoding="utf-8")
    return {row["wnid"]: row["name"] for row in csv.DictReader(text.splitlines())}


def labels_of(rows: Sequence[CatalogRow]) -> list[int]:
    """The class 0 .. 999 of each photo; NO_CLASS where its category is no wnid.

    Raises HuescapeError for a wnid that is none of ImageNet-1k's.
    """
    numbers = {wnid: number for number, wnid in enumerate(classes())}
    found = []
    for row in rows:
        if not _WNID.fullmatch(row.category):
            found.append(NO_CLASS)
        elif row.category in numbers:
            found.append(numbers[row.category])
        else:
            raise HuescapeError(
                f"{row.id}: the category {row.category} is no class of ImageNet-1k, which the "
                "classifiers know; allowed: one of those 1,000, or a category that is no wnid"
            )
    return found


def group_of(row: CatalogRow) -> str:
    """Whether the classifiers may have learned from a photo, as its name in the dataset says.

    The photos of ImageNet's validation set have names of their own; any other with a wnid lies as
    the training photos do, and counts as one of them.
    """
    if not _WNID.fullmatch(row.category):
        return OTHERS
    return VALIDATION if _VALIDATION.search(row.id) else TRAINING
