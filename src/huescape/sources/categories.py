"""Which categories of the public datasets are natural landscapes.

Facts of the datasets, one CSV a dataset beside this file. `core`: the scene itself is a natural
landscape. `extended`: still outdoors in nature, but dominated by something built, grown in a
garden, under water or in a cave (the tier is a judgment of this project's). Beside these tiers,
twelve categories of SUN stand in the script that prepared ColorUNet's photos.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

#: The tier of a photo that is in none of the lists.
NO_TIER = "none"

#: Photos and categories of the whole of SUN397 (Xiao et al., CVPR 2010).
SUN397_PHOTOS = 108_754


@dataclass(frozen=True, slots=True)
class SunCategory:
    """One SUN397 scene category; `photos` counts its photos in the whole dataset."""

    category: str
    level2: str
    tier: str
    photos: int


@dataclass(frozen=True, slots=True)
class ImageNetClass:
    """One ImageNet-1k class by its WordNet id."""

    wnid: str
    name: str
    tier: str


@cache
def sun_categories() -> dict[str, SunCategory]:
    """The 89 SUN397 categories under "outdoor, natural" by name (`m/mountain`), in name order."""
    rows = _rows("sun397_categories.csv")
    return {
        row["category"]: SunCategory(
            row["category"], row["level2"], row["tier"], int(row["photos"])
        )
        for row in rows
    }


@cache
def imagenet_classes() -> dict[str, ImageNetClass]:
    """The ImageNet-1k classes that are natural landscapes by wnid, in wnid order."""
    rows = _rows("imagenet_classes.csv")
    return {row["wnid"]: ImageNetClass(row["wnid"], row["name"], row["tier"]) for row in rows}


@cache
def colorunet_categories() -> frozenset[str]:
    """The twelve SUN categories of ColorUNet (Billaut et al. 2018) that its authors' script lists.

    The paper counts 14 of SUN and 8 of ImageNet; the other ten are not listed there. Four of the
    twelve (cemetery, covered bridge, gazebo, mansion) are in no tier.
    """
    return frozenset(row["category"] for row in _rows("colorunet_categories.csv"))


def sun_wanted(category: str) -> bool:
    """Whether any of the lists has a SUN category: what the sources call a landscape."""
    return category in sun_categories() or category in colorunet_categories()


def sun_tier(category: str) -> str:
    """`core`, `extended` or `none` for a SUN category such as `m/mountain`."""
    found = sun_categories().get(category)
    return found.tier if found else NO_TIER


def imagenet_tier(wnid: str) -> str:
    """`core`, `extended` or `none` for a wnid such as `n09193705`."""
    found = imagenet_classes().get(wnid)
    return found.tier if found else NO_TIER


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("huescape.sources") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
