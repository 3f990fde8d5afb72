"""Which photos the sample holds: the good ones of each category, and the defects a filter drops.

A plan is a list of `Shot`s, one per file; everything about a file follows from its shot.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from huescape.landscapes.render import CATEGORIES, NOT_LANDSCAPE

SIZES: tuple[tuple[int, int], ...] = (
    (320, 240),
    (320, 240),
    (384, 256),
    (400, 300),
    (320, 214),
    (256, 384),
    (240, 320),
    (300, 300),
)
TOO_SMALL = (64, 48)

# kind -> (one per this many photos, at least). A filter drops every kind except "rotated" and
# "cmyk", which are good photos stored in an unusual way.
DEFECTS: dict[str, tuple[int, int]] = {
    "duplicate": (60, 1),  # the same bytes under another name
    "near_duplicate": (60, 1),  # the same scene, rescaled and compressed again
    "gray": (60, 1),  # an RGB file without any color
    "gray_mode": (240, 1),  # a one-channel JPEG
    "truncated": (120, 1),  # a download that broke off
    "too_small": (120, 1),  # a thumbnail
    "not_landscape": (40, 1),  # a street
    "rotated": (240, 1),  # stored on its side, with an EXIF orientation
    "cmyk": (240, 1),  # a four-channel JPEG
}
SMALLEST = 20
_COPIES = ("duplicate", "near_duplicate")


@dataclass(frozen=True)
class Shot:
    """One file: `index` seeds and names it, `scene` is the index its picture is seeded with.

    The two differ only for copies, which show the scene of an earlier, good shot.
    """

    index: int
    scene: int
    kind: str
    category: str


def planned(photos: int) -> dict[str, int]:
    """How many files of each kind `photos` files hold: "good" and the keys of DEFECTS.

    The counts sum to `photos`. `photos` is at least SMALLEST for any defect to be written;
    below that, all are good.
    """
    if photos < SMALLEST:
        return {"good": max(photos, 0), **dict.fromkeys(DEFECTS, 0)}
    counts = {kind: max(least, photos // per) for kind, (per, least) in DEFECTS.items()}
    return {"good": photos - sum(counts.values()), **counts}


def plan(photos: int) -> list[Shot]:
    """The `photos` shots of a sample: good ones first, categories in turn, then the defects."""
    counts = planned(photos)
    good = counts.pop("good")
    shots = [Shot(i, i, "good", CATEGORIES[i % len(CATEGORIES)]) for i in range(good)]
    copied = 0
    for kind, count in counts.items():
        for _ in range(count):
            index = len(shots)
            scene = index
            if kind in _COPIES:
                scene, copied = copied * 3 % good, copied + 1
            category = NOT_LANDSCAPE if kind == "not_landscape" else _category(kind, index, scene)
            shots.append(Shot(index, scene, kind, category))
    return shots


def _category(kind: str, index: int, scene: int) -> str:
    """A copy keeps its scene's category, a rotated photo must be one whose sky tells what is up."""
    if kind in _COPIES:
        return CATEGORIES[scene % len(CATEGORIES)]
    if kind == "rotated":
        return "m/mountain"
    return CATEGORIES[index * 7 % len(CATEGORIES)]


def file_name(seed: int, index: int) -> str:
    """`sun_` and 16 letters, as in SUN397; distinct for distinct indices of one seed.

    Five of the letters write the index itself, so that no two names can be equal.
    """
    letters = np.random.default_rng([seed, index, 1]).integers(0, 26, size=11).tolist()
    digits = [index // 26**place % 26 for place in range(5)]
    return "sun_" + "".join(chr(97 + letter) for letter in [*letters, *digits]) + ".jpg"


def summary(shots: list[Shot]) -> dict[str, int]:
    """Count of each kind in a plan."""
    return dict(Counter(shot.kind for shot in shots))
