"""Where a system does well and where it fails: its scores on parts of the test photos.

Shape suffixes: N photos, R resamplings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.metrics import bootstrap
from huescape.metrics.hue import Shift
from huescape.metrics.names import TRUTH
from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import METRICS
from huescape.photos.catalog import CatalogRow
from huescape.reporting.inputs import SystemResult

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]

# A category of fewer photos says more of these photos than of its kind.
_FEW = 5
_PARTS = 3
_SCORES = ("auc", "psnr", "colorfulness")


@dataclass(frozen=True)
class Part:
    """Some of the test photos: what they have in common, and which they are, (N,)."""

    kind: str
    name: str
    is_in_N: BoolArray


@dataclass(frozen=True)
class Slice:
    """A system on a part of the photos.

    `over_gray` is how far its AuC is above that of gray pictures, with its 95 % interval over
    photos; `psnr` is in dB. `vivid` is the colorfulness as a share of the
    truth's, `hue` the mean shift over all hues.
    """

    part: Part
    photos: int
    auc: float
    psnr: float
    over_gray: tuple[float, float, float]
    vivid: float
    hue: Shift


def parts(result: SystemResult, rows: Mapping[str, CatalogRow]) -> list[Part]:
    """By category, and in thirds by brightness, true chroma and size; the largest first.

    A kind that does not tell photos apart is left out; so are photos that are in no catalog.
    """
    ids = result.photos.ids_N.tolist()
    known = [rows.get(photo) for photo in ids]
    found = [*_categories([row.category if row else "" for row in known])]
    traits: dict[str, tuple[str, list[float]]] = {
        "Brightness": ("L*", [result.lightness.get(photo, np.nan) for photo in ids]),
        "True chroma": ("Lab units", [(row and row.chroma) or np.nan for row in known]),
        "Longer side": ("pixels", [max(row.width, row.height) if row else np.nan for row in known]),
    }
    for kind, (unit, values) in traits.items():
        found += _thirds(kind, unit, np.array(values, np.float64))
    return found


def slices(result: SystemResult, found: Sequence[Part]) -> list[Slice]:
    """The system by its headline decoding on each part."""
    return [_slice(result, part) for part in found]


def _categories(names: Sequence[str]) -> Iterator[Part]:
    names_N = np.array(names)
    counts = [(int((names_N == name).sum()), name) for name in sorted(set(names) - {""})]
    for count, name in sorted(counts, key=lambda pair: (-pair[0], pair[1])):
        if count >= _FEW:
            yield Part("Category", name, names_N == name)


def _thirds(kind: str, unit: str, values_N: FloatArray) -> Iterator[Part]:
    """Equal values are in one part, so that parts may differ in size."""
    known_N = values_N[np.isfinite(values_N)]
    if len(known_N) < _FEW * _PARTS or known_N.min() == known_N.max():
        return
    edges = np.unique(np.quantile(known_N, np.linspace(0, 1, _PARTS + 1)[1:-1], method="higher"))
    part_N = np.searchsorted(edges, values_N, side="left")
    for number in range(len(edges) + 1):
        is_in_N = np.isfinite(values_N) & (part_N == number)
        if is_in_N.any():
            own = values_N[is_in_N]
            yield Part(kind, f"{own.min():.0f} to {own.max():.0f} {unit}", is_in_N)


def _slice(result: SystemResult, part: Part) -> Slice:
    settings = result.scores["settings"]
    rules = settings["macro_pixels"], settings["macro_photos"]
    photos = result.photos.of_photos(part.is_in_N, *rules)
    headline = result.scores["decode"]
    scores = {name: _scores(photos, name) for name in (headline, "gray", TRUTH)}
    own = scores[headline]
    return Slice(
        part,
        len(photos.ids_N),
        own["auc"],
        own["psnr"],
        (own["auc"] - scores["gray"]["auc"], *_interval(photos, headline)),
        own["colorfulness"] / (scores[TRUTH]["colorfulness"] or np.nan),
        result.hues.total(part.is_in_N),
    )


def _scores(photos: PhotoSums, prediction: str) -> dict[str, float]:
    once_RN = np.ones((1, len(photos.ids_N)))
    sums = photos.sums(prediction, once_RN, photos.pixel_sums(once_RN))
    found = {metric.key: metric.of_sums(sums) for metric in METRICS if metric.key in _SCORES}
    return {key: float(value[0]) for key, value in found.items() if value is not None}


def _interval(photos: PhotoSums, headline: str) -> tuple[float, float]:
    own, gray = bootstrap.resampled([(photos, headline), (photos, "gray")])
    return bootstrap.interval(own["auc"] - gray["auc"])
