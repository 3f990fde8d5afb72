"""The lists of landscape categories."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from huescape.sources.categories import (
    colorunet_categories,
    imagenet_classes,
    imagenet_tier,
    sun_categories,
    sun_tier,
    sun_wanted,
)


def test_counts_of_sun() -> None:
    categories = sun_categories()
    assert Counter(c.tier for c in categories.values()) == {"core": 54, "extended": 35}
    assert sum(c.photos for c in categories.values() if c.tier == "core") == 14_638
    assert list(categories) == sorted(categories)
    assert all(name[0] == name[2] and name[1] == "/" for name in categories)


def test_counts_of_imagenet() -> None:
    assert Counter(c.tier for c in imagenet_classes().values()) == {"core": 9, "extended": 1}


def test_the_twelve_of_colorunet() -> None:
    names = "coast sandbar beach golf_course gazebo/exterior mountain_snowy cemetery creek mountain"
    names += " covered_bridge/exterior mansion vineyard"
    assert colorunet_categories() == {f"{name[0]}/{name}" for name in names.split()}
    assert all(sun_wanted(name) for name in colorunet_categories())
    assert sun_wanted("b/badlands")
    assert not sun_wanted("k/kitchen")


def test_tiers() -> None:
    assert sun_tier("m/mountain") == "core"
    assert sun_tier("g/golf_course") == "extended"
    assert sun_tier("k/kitchen") == "none"
    assert imagenet_tier("n09193705") == "core"
    assert imagenet_tier("n09256479") == "extended"
    assert imagenet_tier("n09229709") == "none"  # a bubble: beside the landscapes in WordNet


def test_the_lists_are_the_ones_that_came_with_the_photos(photos: Path) -> None:
    sun = [line.split("\t") for line in (photos / "sun397_landscape.txt").open() if line[0] == "/"]
    ours = [("/" + c.category, c.level2, c.tier, str(c.photos)) for c in sun_categories().values()]
    assert ours == [(a, b, c, d.strip()) for a, b, c, d in sun]
    wnids = [line.split("\t") for line in (photos / "imagenet_landscape.txt").open()]
    expected = [(row[0], row[1]) for row in wnids if row[0].startswith("n")]
    assert [(c.wnid, c.name) for c in imagenet_classes().values()] == expected
