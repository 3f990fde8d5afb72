"""Paired scores of chosen photos against plain loops over photos and draws."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from huescape.metrics import auc, bootstrap
from huescape.metrics.calibration import CONFIDENCES
from huescape.metrics.distribution_sums import DistributionSums
from huescape.metrics.names import BASELINES
from huescape.metrics.photo_parts import PhotoPart, PhotoParts
from huescape.metrics.photo_sums import PhotoSums
from huescape.reporting import paired
from huescape.reporting.inputs import Evaluated
from huescape.reporting.paired_tables import markdown, numbers

BINS, PHOTOS, MACRO_PIXELS, MACRO_PHOTOS = 7, 12, 90, 5
IDS = [f"sun/{'beach' if n % 3 else 'cliff'}/{n}" for n in range(PHOTOS)]
BEACH = [n for n in range(PHOTOS) if n % 3]
NAMES = ("median", "annealed T=1", *BASELINES)
SETTINGS = {"macro_pixels": MACRO_PIXELS, "macro_photos": MACRO_PHOTOS}
# The AuC of a pixel by its distance: the area below a step, by trapezoids one unit wide.
AREA = [sum(((d <= t) + (d <= t + 1)) / 2 for t in range(150)) / 150 for d in range(152)]


def tables(seed: int, shift: float) -> np.ndarray:
    """Pixels by photo, bin and distance; the same bins whatever the shift; some bins are rare."""
    rng, errors = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    found = np.zeros((PHOTOS, BINS, auc.DISTANCES), np.int64)
    for photo in range(PHOTOS):
        pixels = int(rng.integers(60, 200))
        bins = rng.choice(BINS, pixels, p=[0.3, 0.25, 0.2, 0.15, 0.07, 0.02, 0.01])
        distances = errors.gamma(2, 6 + photo / 2 + shift, pixels)
        np.add.at(found[photo], (bins, np.clip(distances, 0, 151).astype(int)), 1)
    return found


TABLES = {
    name: tables(3, shift) for name, shift in zip(NAMES, (0, 4, 9, 8, 8, 9, 6, -5), strict=True)
}
VIVID = {name: [10.0 * k + n for n in range(PHOTOS)] for k, name in enumerate(NAMES)}
ERRORS = {name: [100 * (k + 1) + 7 * n for n in range(PHOTOS)] for k, name in enumerate(NAMES)}
ERRORS["ground_truth"] = [0] * PHOTOS


def parts_of(tables: Iterable[np.ndarray], prediction: str) -> PhotoParts:
    """Of each photo; no predicted bin is right."""
    none = np.zeros(BINS, np.int64)
    return PhotoParts(
        PhotoPart.of(table, none, error, {"colorfulness": vivid})
        for table, vivid, error in zip(tables, VIVID[prediction], ERRORS[prediction], strict=True)
    )


def evaluated(name: str = "net", **changes: Any) -> Evaluated:
    parts = {key: parts_of(TABLES[key], key) for key in NAMES}
    sums = PhotoSums.of(IDS, parts, np.ones(BINS), np.array([0], np.int32))
    scores = {
        "decode": "annealed T=1",
        "decodes": {key: {} for key in NAMES[:2]},
        "baselines": {key: {} for key in NAMES[2:]},
        "head": "bins",
        "settings": SETTINGS,
    }
    return Evaluated(name, scores, sums, distribution(**changes))


def distribution(seed: int = 0, bins: int = 4) -> DistributionSums:
    rng = np.random.default_rng(seed)
    count = rng.integers(0, 9, (2, PHOTOS, CONFIDENCES))
    return DistributionSums(
        ids_N=np.array(IDS),
        centers_Q2=np.arange(2.0 * bins).reshape(bins, 2),
        temperature_T=np.array([1, 0.9]),
        bits_TN=rng.gamma(3, 40, (2, PHOTOS)),
        count_TNB=count,
        right_TNB=rng.binomial(count, 0.4),
        confidence_TNB=count * (np.arange(CONFIDENCES) + 0.5) / CONFIDENCES,
    )


def plain(name: str, photos: list[int], bins: list[int]) -> dict[str, float]:
    """Every score of photos, which may be there several times, by loops over their pixels."""
    table, sums = TABLES[name], distribution()
    own = [
        sum(AREA[d] * table[n, b, d] for b in range(BINS) for d in np.flatnonzero(table[n, b]))
        for n in photos
    ]
    counts = [int(table[n].sum()) for n in photos]
    inside = []
    for b in bins:
        pixels = sum(int(table[n, b].sum()) for n in photos)
        if pixels:
            seen = [(n, d) for n in photos for d in np.flatnonzero(table[n, b])]
            area = sum(AREA[d] * int(table[n, b, d]) for n, d in seen)
            inside.append(area / pixels)
    found = {
        "auc_photo_mean": sum(a / c for a, c in zip(own, counts, strict=True)) / len(photos),
        "auc": sum(own) / sum(counts),
        "auc_macro": sum(inside) / len(inside),
        "colorfulness": sum(VIVID[name][n] for n in photos) / len(photos),
        "colorfulness_share": sum(VIVID[name][n] for n in photos)
        / sum(VIVID["ground_truth"][n] for n in photos),
    }
    if name != "ground_truth":
        decibels = [
            10 * math.log10(255**2 * 3 * c / ERRORS[name][n])
            for n, c in zip(photos, counts, strict=True)
        ]
        found["psnr_photo_mean"] = sum(decibels) / len(photos)
    if name in NAMES[:2]:
        positions = [sum(int(sums.count_TNB[t, n].sum()) for n in photos) for t in range(2)]
        gaps = [
            abs(sum(float(sums.right_TNB[1, n, b] - sums.confidence_TNB[1, n, b]) for n in photos))
            for b in range(CONFIDENCES)
        ]
        found["bits_per_pixel"] = sum(float(sums.bits_TN[0, n]) for n in photos) / positions[0]
        found["calibration_error"] = sum(gaps) / positions[1]
    return found


def often(photos: list[int]) -> list[int]:
    """The bins of the macro score."""
    found = []
    for b in range(BINS):
        counts = [int(TABLES["gray"][n, b].sum()) for n in photos]
        if sum(counts) >= MACRO_PIXELS and sum(c > 0 for c in counts) >= MACRO_PHOTOS:
            found.append(b)
    return found


@pytest.fixture(scope="module")
def lines() -> list[paired.Line]:
    chosen = paired.limited([evaluated()], ["*/beach/*"], [])
    return paired.compared(paired.predictions([(chosen[0], "median")]))


def test_every_score_of_chosen_photos_is_that_of_a_plain_loop(lines: list[paired.Line]) -> None:
    bins = often(BEACH)
    assert 2 <= len(bins) < len(often([*range(PHOTOS)]))
    expected = {
        ("net@median" if name == "median" else name): plain(name, BEACH, bins)
        for name in NAMES
        if name != "annealed T=1"
    }
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        found.setdefault(line.label, {})[line.score] = line.own.value
    assert found.keys() == expected.keys()
    for label, scores in expected.items():
        assert found[label] == pytest.approx(scores, abs=1e-9), label


def test_the_paired_interval_is_that_of_a_plain_loop(
    lines: list[paired.Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fewer draws, which are the first of the many; the macro bins stay the same in all."""
    few = 60
    monkeypatch.setattr(bootstrap.draws, "__defaults__", (few,))
    chosen = paired.limited([evaluated()], [], ["*/cliff/*"])
    some = paired.compared(paired.predictions([(chosen[0], "")]))
    picks, bins = np.random.default_rng(bootstrap.SEED), often(BEACH)
    values: dict[str, list[dict[str, float]]] = {"annealed T=1": [], "median": [], "gray": []}
    for _ in range(few):
        drawn = [BEACH[k] for k in picks.integers(0, len(BEACH), len(BEACH)).tolist()]
        for name, kept in values.items():
            kept.append(plain(name, drawn, bins))
    for name, label in (("median", "net@median"), ("gray", "gray")):
        for score in ("auc_photo_mean", "auc", "auc_macro", "psnr_photo_mean"):
            pairs = zip(values[name], values["annealed T=1"], strict=True)
            deltas = [one[score] - first[score] for one, first in pairs]
            line = next(x for x in some if (x.label, x.score) == (label, score))
            assert line.difference is not None
            ends = line.difference.low, line.difference.high
            assert ends == pytest.approx(np.percentile(deltas, (2.5, 97.5)), abs=1e-9), score
    # What has the same distribution under another decoding takes the same bits.
    bits = next(x for x in some if (x.label, x.score) == ("net@median", "bits_per_pixel"))
    assert bits.difference == paired.Interval(0, 0, 0)
    errors = [one["calibration_error"] for one in values["median"]]
    own = next(x for x in some if (x.label, x.score) == ("net@median", "calibration_error")).own
    assert (own.low, own.high) == pytest.approx(np.percentile(errors, (2.5, 97.5)), abs=1e-9)


def test_bits_of_other_bins_are_not_compared() -> None:
    systems = [(evaluated("one"), "median"), (evaluated("two", bins=5), "median")]
    found = {(x.label, x.score): x for x in paired.compared(paired.predictions(systems))}
    assert found["two@median", "bits_per_pixel"].difference is None
    assert found["two@median", "auc"].difference == paired.Interval(0, 0, 0)


def test_of_one_photo_there_is_no_interval() -> None:
    chosen = paired.limited([evaluated()], [IDS[4]], [])
    (line, *_) = paired.compared(paired.predictions([(chosen[0], "median")]))
    assert (line.own.low, line.own.high) == (None, None)


def test_tables(lines: list[paired.Line]) -> None:
    table = numbers(lines, 8)
    assert len(table) == len(lines)
    assert table["difference"].isna().sum() == sum(line.difference is None for line in lines)
    text = markdown(lines, 8, 3, "net@median")
    assert text.startswith("8 photos; macro AuC over 3 bins")
    rows = [row for row in text.splitlines() if row.startswith("| gray ")]
    assert len(rows) == len([line for line in lines if line.label == "gray"])
    gray = next(x for x in lines if (x.label, x.score) == ("gray", "auc_photo_mean"))
    assert f"{gray.own.value:.4f}" in rows[0]
    assert "\N{MINUS SIGN}" in rows[0]
    assert r"\*" in rows[0]  # far below
    widths = {len(row) for row in text.split("### ")[1].splitlines() if row.startswith("|")}
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("photos", "not_photos", "words"),
    [
        (["*/beach/*", "sun/desert/*"], [], r"'sun/desert/\*': matches none of 12 photos"),
        ([], ["moon/*"], r"'moon/\*': matches none"),
        (["*/beach/*"], ["sun/*"], "no photo is left of 12"),
    ],
)
def test_patterns_that_choose_nothing(photos: list[str], not_photos: list[str], words: str) -> None:
    with pytest.raises(HuescapeError, match=words):
        paired.chosen(IDS, photos, not_photos)


def test_other_photos_are_refused_but_where_the_chosen_are_the_same() -> None:
    one = evaluated("one")
    keep_N = np.arange(PHOTOS) != 0  # a cliff
    sums = one.photos.of_photos(keep_N, MACRO_PIXELS, MACRO_PHOTOS)
    fewer = Evaluated("two", one.scores, sums, distribution().of_photos(keep_N))
    words = r"two was evaluated on other photos than one \(11 and 12 chosen\)"
    with pytest.raises(HuescapeError, match=words):
        paired.limited([one, fewer], [], [])
    assert len(paired.limited([one, fewer], ["*/beach/*"], [])[1].photos.ids_N) == len(BEACH)


def test_an_unknown_decoding_is_refused_and_a_regression_has_one_row() -> None:
    net = evaluated()
    with pytest.raises(HuescapeError, match="net@mode: no such decoding; evaluated: median, ann"):
        paired.predictions([(net, "mode")])
    regression = Evaluated("l2", net.scores | {"head": "chroma"}, net.photos, None)
    assert [row.label for row in paired.predictions([(regression, ""), (net, "")])] == [
        *("l2", "net@annealed T=1", "net@median", *BASELINES)
    ]
