"""Stage filter: decide for every raw photo whether it is kept, why not, and its split."""

from __future__ import annotations

import hashlib
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from huescape import photos
from huescape.base.atomic import fresh_directory, write_json
from huescape.base.digests import seal
from huescape.base.errors import HuescapeError, one_line
from huescape.base.pool import map_ordered, working_on
from huescape.base.progress import progress
from huescape.color.spaces import rgb_to_lab
from huescape.params import places
from huescape.params.photos import FilterParams
from huescape.params.sections import read_section
from huescape.photos import PhotoError
from huescape.photos.catalog import CatalogRow, Tally
from huescape.photos.catalog_file import CATALOG, write_catalog
from huescape.photos.copies import drop_copies
from huescape.photos.duplicates import perceptual_hash
from huescape.photos.judged import Judged
from huescape.sources.categories import colorunet_categories
from huescape.sources.hashing import changed_photo
from huescape.sources.manifest import ManifestRow, read_again

_TIERS = {"core": ("core",), "extended": ("core", "extended")}
_THUMBNAIL = 64
_EXAMPLES = 3  # dropped photos that are named, of each reason
_ADVICE = {"too_large": " (filter.max_pixels)"}


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> dict[str, float]:
    """Decide which photos are kept."""
    params = read_section(places.PARAMS, "filter", FilterParams)
    return run(places.RAW, places.CATALOG, params)


def run(raw: Path, out: Path, params: FilterParams, *, is_tested: bool = True) -> dict[str, float]:
    """Write `catalog.parquet`, `summary.csv` and `summary.json` to `out`, whole or not at all.

    Args:
        raw: the folder of the stage download, with `manifest.csv`.
        is_tested: whether to warn where no photo is left to test on.
    Returns:
        counts: `photos`, `kept`, `dropped_<reason>`, `split_<split>`.
    Raises:
        HuescapeError: no manifest, a photo that changed since it was listed, or nothing left to
            train on (the message says how many photos were dropped, and why).
    """
    listed = read_again(raw / "manifest.csv")
    judged = _judge_all(listed, params)
    drop_copies(judged, params.max_distance, params.split.val, params.split.test)
    tally = Tally()
    with fresh_directory(out) as folder:
        rows = (_catalog_row(row, judged.found(n)) for n, row in enumerate(listed()))
        write_catalog(folder / CATALOG, tally.counted(rows))
        counts = tally.summary()
        _check_some_left(counts, tally.funnel(), is_tested)
        tally.write_table(folder / "summary.csv")
        write_json(folder / "summary.json", counts)
        seal(folder)
    return _metrics(counts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one photo alone shows; `reason` is empty for a photo that passes.

    detail: what is wrong with a photo that cannot be used, for people.
    """

    reason: str
    width: int = 0
    height: int = 0
    chroma: float | None = None
    phash: str = ""
    detail: str = ""


def judge(row: ManifestRow, min_side: int, min_chroma: float, max_pixels: int) -> Verdict:
    """Look at one photo by itself, in the order size, decoding, color.

    Raises HuescapeError if it cannot be read, which may pass, its bytes are not those that were
    listed, or memory runs out.
    """
    working_on(row.path)
    try:
        data = photos.read_bytes(Path(row.path), int(row.offset) if row.offset else None, row.bytes)
    except PhotoError as error:
        raise HuescapeError(
            f"{error.detail}, though it was listed; if it is gone for good, "
            "run `dvc repro -f download`"
        ) from error
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise changed_photo(Path(row.path), int(row.offset) if row.offset else None)
    with photos.enough_memory(row.path):
        return _look(data, min_side, min_chroma, max_pixels)


def _look(data: bytes, min_side: int, min_chroma: float, max_pixels: int) -> Verdict:
    width = height = 0
    try:
        width, height = photos.oriented_size(data, max_pixels)
        if min(width, height) < min_side:
            return Verdict("too_small", width, height)
        image = photos.open_photo(data, max_pixels)
    except PhotoError as error:
        return Verdict(error.reason, width, height, detail=error.detail)
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


def _judge_all(listed: Callable[[], Iterator[ManifestRow]], params: FilterParams) -> Judged:
    """Each photo judged by itself; other categories are not even read.

    The manifest is read for each purpose anew: its rows would take more memory than all else.
    """
    wanted = np.fromiter((_wanted(row, params.categories) for row in listed()), bool)
    limits = {name: getattr(params, name) for name in ("min_side", "min_chroma", "max_pixels")}
    photos = (row for row, is_wanted in zip(listed(), wanted, strict=True) if is_wanted)
    found = map_ordered(partial(judge, **limits), photos)
    verdicts = progress(found, total=int(wanted.sum()), desc="filter")
    judged, details = Judged.of_none(len(wanted)), _Details()
    for n, (row, is_wanted) in enumerate(zip(listed(), wanted, strict=True)):
        verdict = next(verdicts) if is_wanted else Verdict("not_landscape")
        details.add(row, verdict)
        judged.put(n, _catalog_row(row, _found(row, verdict, params.split.honor_lists)))
    details.say()
    return judged


def _wanted(row: ManifestRow, categories: str) -> bool:
    if categories == "colorunet":
        return row.category in colorunet_categories()
    return categories == "all" or row.tier in _TIERS[categories]


def _found(row: ManifestRow, verdict: Verdict, honor_lists: bool) -> dict[str, Any]:
    """What `Judged.found` gives, of a photo by itself: its split is what a list says, if any."""
    kept = not verdict.reason
    return {
        "width": verdict.width,
        "height": verdict.height,
        "chroma": verdict.chroma,
        "phash": verdict.phash,
        "split": row.split if kept and honor_lists else "",
        "kept": kept,
        "reason": verdict.reason,
    }


def _catalog_row(row: ManifestRow, found: Mapping[str, Any]) -> CatalogRow:
    return CatalogRow(
        id=row.id,
        path=row.path,
        offset=int(row.offset) if row.offset else None,
        bytes=row.bytes,
        source=row.source,
        category=row.category,
        tier=row.tier,
        sha256=row.sha256,
        **found,
    )


class _Details:
    """Why photos cannot be used, in the words of their decoders: a few of each reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lines: list[str] = []

    def add(self, row: ManifestRow, verdict: Verdict) -> None:
        """Count a photo that has a detail, and keep its line if it is one of the first."""
        if not verdict.detail:
            return
        self._counts[verdict.reason] += 1
        if self._counts[verdict.reason] <= _EXAMPLES:
            advice = _ADVICE.get(verdict.reason, "")
            self._lines.append(f"{row.id!r}: {verdict.reason}: {verdict.detail}{advice}")

    def say(self) -> None:
        """One line on standard error for each example, and one for how many more there are."""
        for line in self._lines:
            print(f"huescape: filter: {one_line(line)}", file=sys.stderr)
        more = {reason: n - _EXAMPLES for reason, n in self._counts.items() if n > _EXAMPLES}
        if more:
            counted = ", ".join(f"{n} more {reason}" for reason, n in sorted(more.items()))
            print(f"huescape: filter: and {counted}", file=sys.stderr)


def _check_some_left(counts: Mapping[str, Any], funnel: str, is_tested: bool) -> None:
    if not counts["kept"]:
        raise HuescapeError(f"filter: no photo is left. {funnel}")
    if not counts["splits"]["train"]:
        raise HuescapeError(f"filter: no photo is left to train on. {funnel}")
    if is_tested and not counts["splits"]["test"]:  # said before hours of training, not after
        print(
            "huescape: warning: filter: no photo is left to test on, so `evaluate` will fail. "
            f"{funnel}",
            file=sys.stderr,
        )


def _metrics(counts: Mapping[str, Any]) -> dict[str, float]:
    out = {"photos": float(counts["photos"]), "kept": float(counts["kept"])}
    out |= {f"dropped_{reason}": float(n) for reason, n in counts["reasons"].items()}
    return out | {f"split_{split}": float(n) for split, n in counts["splits"].items()}
