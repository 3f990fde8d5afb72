"""Stage `filter`: decide for every raw photo whether it is kept, why not, and its split."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from huescape import photos
from huescape.atomic import fresh_directory, write_json
from huescape.catalog import (
    CATALOG,
    CatalogRow,
    funnel,
    split_of,
    summary,
    write_catalog,
    write_summary_table,
)
from huescape.color.spaces import rgb_to_lab
from huescape.digests import seal
from huescape.duplicates import groups, pairs_within, perceptual_hash
from huescape.errors import HuescapeError
from huescape.params.photos import FilterParams, SplitParams
from huescape.photos import PhotoError
from huescape.pool import map_ordered
from huescape.progress import progress
from huescape.sources.manifest import Row, read_manifest

_TIERS = {"core": ("core",), "extended": ("core", "extended")}
_THUMBNAIL = 64
# Of copies, the one in the test split stays: what is tested on never also trains.
_PRIORITY = {"test": 0, "val": 1, "train": 2}


def run(raw: Path, out: Path, params: FilterParams) -> dict[str, float]:
    """Write `catalog.csv`, `summary.csv` and `summary.json` to `out`, whole or not at all.

    Args:
        raw: the folder of the stage download, with `manifest.csv`.
    Returns:
        counts: `photos`, `kept`, `dropped_<reason>`, `split_<split>`.
    Raises:
        HuescapeError: no manifest, a photo that changed since it was listed, or nothing left to
            train on (the message says how many photos were dropped, and why).
    """
    listed = sorted(read_manifest(raw / "manifest.csv"), key=lambda row: row.id)
    judged = list(_judge_all(listed, params))
    rows = _drop_copies(judged, params.max_distance)
    _check_some_left(rows)
    with fresh_directory(out) as folder:
        write_catalog(folder / CATALOG, rows)
        write_summary_table(folder / "summary.csv", rows)
        write_json(folder / "summary.json", summary(rows))
        seal(folder)
    return _metrics(rows)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one photo alone shows; `reason` is empty for a photo that passes."""

    reason: str
    width: int = 0
    height: int = 0
    chroma: float | None = None
    phash: str = ""


def judge(row: Row, min_side: int, min_chroma: float) -> Verdict:
    """Look at one photo by itself, in the order missing, size, decoding, color.

    Raises HuescapeError if its bytes are not those that were listed.
    """
    try:
        data = photos.read_bytes(Path(row.path), int(row.offset) if row.offset else None, row.bytes)
    except PhotoError as error:
        return Verdict(error.reason)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise HuescapeError(
            f"{row.path}: changed since it was listed; run `dvc repro -f download`, then go on"
        )
    width = height = 0
    try:
        width, height = photos.oriented_size(data)
        if min(width, height) < min_side:
            return Verdict("too_small", width, height)
        image = photos.open_photo(data)
    except PhotoError as error:
        return Verdict(error.reason, width, height)
    thumbnail = _shrunk(image)
    chroma = mean_chroma(thumbnail)
    phash = f"{perceptual_hash(thumbnail):016x}"
    return Verdict("gray" if chroma < min_chroma else "", *image.size, chroma, phash)


def mean_chroma(image: Image.Image) -> float:
    """Mean CIE Lab chroma, sqrt(a^2 + b^2), over the pixels of an RGB image; 3 decimals."""
    lab_HW3 = rgb_to_lab(np.asarray(image)).astype(np.float64)
    return round(float(np.hypot(lab_HW3[..., 1], lab_HW3[..., 2]).mean()), 3)


def _shrunk(image: Image.Image) -> Image.Image:
    """At most 64 pixels a side; a box filter, whose pixels are plain means."""
    scale = _THUMBNAIL / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _judge_all(listed: Sequence[Row], params: FilterParams) -> Iterator[CatalogRow]:
    """The rows in order, each judged by itself; other categories are not even read."""
    tiers = _TIERS.get(params.categories)
    wanted = [row for row in listed if tiers is None or row.tier in tiers]
    function = partial(judge, min_side=params.min_side, min_chroma=params.min_chroma)
    verdicts = progress(map_ordered(function, wanted), total=len(wanted), desc="filter")
    for row in listed:
        passes = tiers is None or row.tier in tiers
        verdict = next(verdicts) if passes else Verdict("not_landscape")
        yield _catalog_row(row, verdict, params.split)


def _catalog_row(row: Row, verdict: Verdict, split: SplitParams) -> CatalogRow:
    by_content = split_of(row.sha256, split.val, split.test)
    kept = not verdict.reason
    return CatalogRow(
        id=row.id,
        path=row.path,
        offset=int(row.offset) if row.offset else None,
        bytes=row.bytes,
        source=row.source,
        category=row.category,
        tier=row.tier,
        sha256=row.sha256,
        width=verdict.width,
        height=verdict.height,
        chroma=verdict.chroma,
        phash=verdict.phash,
        split=((split.honor_lists and row.split) or by_content) if kept else "",
        kept=kept,
        reason=verdict.reason,
    )


def _drop_copies(rows: Sequence[CatalogRow], max_distance: int) -> list[CatalogRow]:
    """Keep one photo of each group of equal contents, then one of each group of near hashes."""
    out = {row.id: row for row in rows}
    kept = [row for row in rows if row.kept]
    same: dict[str, list[int]] = {}
    for i, row in enumerate(kept):
        same.setdefault(row.sha256, []).append(i)
    _drop(out, kept, [group for group in same.values() if len(group) > 1], "duplicate")
    kept = [row for row in out.values() if row.kept]
    hashes = np.array([int(row.phash, 16) for row in kept], dtype=np.uint64)
    near = groups(len(kept), pairs_within(hashes, max_distance))
    _drop(out, kept, near, "near_duplicate")
    return list(out.values())


def _drop(
    out: dict[str, CatalogRow],
    kept: Sequence[CatalogRow],
    grouped: Sequence[Sequence[int]],
    reason: str,
) -> None:
    for group in grouped:
        ranked = sorted((kept[i] for i in group), key=_rank)
        for row in ranked[1:]:
            out[row.id] = replace(row, kept=False, split="", reason=reason)


def _rank(row: CatalogRow) -> tuple[int, str, str]:
    return _PRIORITY[row.split], row.sha256, row.id


def _check_some_left(rows: Sequence[CatalogRow]) -> None:
    splits = {row.split for row in rows if row.kept}
    if not splits:
        raise HuescapeError(f"filter: no photo is left. {funnel(rows)}")
    if "train" not in splits:
        raise HuescapeError(f"filter: no photo is left to train on. {funnel(rows)}")
    if "test" not in splits:  # said before hours of training, not after
        print(
            "huescape: warning: filter: no photo is left to test on, so `evaluate` will fail. "
            f"{funnel(rows)}",
            file=sys.stderr,
        )


def _metrics(rows: Sequence[CatalogRow]) -> dict[str, float]:
    counts = summary(rows)
    out = {"photos": float(counts["photos"]), "kept": float(counts["kept"])}
    out |= {f"dropped_{reason}": float(n) for reason, n in counts["reasons"].items()}
    return out | {f"split_{split}": float(n) for split, n in counts["splits"].items()}
