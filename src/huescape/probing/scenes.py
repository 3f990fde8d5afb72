"""Which photos take part in a probe, and the number of each one's scene category.

Shape suffixes: N photos.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.photos.catalog import SPLITS
from huescape.photos.catalog_file import CATALOG, values_of
from huescape.shards import ShardSet


@dataclass(frozen=True)
class Scenes:
    """The photos of the categories that take part, in the shards' order.

    Attributes:
        categories: their names, sorted; a label is a place among them.
        left_out: {category: its training photos} of those that have too few.
        rows: {split: rows (N,) of the shards}.
        labels: {split: labels (N,)}.
    """

    categories: tuple[str, ...]
    left_out: Mapping[str, int]
    rows: Mapping[str, npt.NDArray[np.int64]]
    labels: Mapping[str, npt.NDArray[np.int64]]


def scenes(photos: ShardSet, catalog: Path, min_photos: int) -> Scenes:
    """The categories with at least `min_photos` training photos, and their photos.

    Photos without a category take no part. Raises HuescapeError for fewer than two categories, a
    split without a photo of any of them, and a photo that is not in the catalog.
    """
    known = values_of(catalog / CATALOG, "category", photos.ids)
    counts = Counter(known[row] for row in photos.rows("train"))
    kept = tuple(sorted(name for name, n in counts.items() if name and n >= min_photos))
    listed = {name for name in known if name} - set(kept)
    if len(kept) < 2:
        found = f"only {kept[0]}" if kept else "no category"
        raise HuescapeError(
            f"{catalog / CATALOG}: {found} has {min_photos} training photos or more; a probe tells "
            f"categories apart and needs two ({len(listed)} have fewer; see min_photos)"
        )
    rows, labels = {}, {}
    for split in SPLITS:
        rows[split] = np.array([r for r in photos.rows(split) if known[r] in kept], np.int64)
        if not len(rows[split]):
            raise HuescapeError(
                f"{photos.folder}: no photo of the split {split} is of the {len(kept)} categories; "
                "a probe learns of train, chooses by val and is scored on test"
            )
        labels[split] = np.array([kept.index(known[row]) for row in rows[split]], np.int64)
    return Scenes(kept, {name: counts[name] for name in sorted(listed)}, rows, labels)
