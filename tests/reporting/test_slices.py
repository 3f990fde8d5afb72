"""Parts of the test photos, and scores on them against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.metrics.hue import SECTORS
from huescape.photos.catalog import CatalogRow
from huescape.reporting.slices import parts, slices
from tests.reporting.conftest import photo_sums

AUCS = np.linspace(0.6, 0.95, 40)


def row(photo: str, category: str, side: int, chroma: float | None) -> CatalogRow:
    size = (side, side // 2, chroma)
    return CatalogRow(photo, "", None, 1, "made", category, "", "", *size, "", "test", True, "")


@pytest.fixture
def result(make):
    sums = {"annealed T=0.38": AUCS.tolist(), "gray": [0.5] * 40, "ground_truth": [1.0] * 40}
    settings = {"split": "test", "macro_pixels": 1, "macro_photos": 1}
    return make("net", {"settings": settings}, photos=photo_sums(sums))


@pytest.fixture
def rows(result) -> dict[str, CatalogRow]:
    """The first 30 are beaches, six are hills, and four are of categories of their own."""
    names = ["beach"] * 30 + ["hill"] * 6 + list("abcd")
    ids = result.photos.ids_N.tolist()
    return {p: row(p, names[n], 256 if n < 20 else 384, n / 2) for n, p in enumerate(ids)}


def test_parts_are_categories_and_thirds(result, rows) -> None:
    found = parts(result, rows)
    assert [(part.kind, part.name) for part in found] == [
        ("Category", "beach"),
        ("Category", "hill"),
        ("Brightness", "0 to 13 L*"),
        ("Brightness", "14 to 26 L*"),
        ("Brightness", "27 to 39 L*"),
        *(("True chroma", name) for name in [part.name for part in found[5:8]]),
        ("Longer side", "256 to 256 pixels"),
        ("Longer side", "384 to 384 pixels"),
    ]
    for kind in ("Brightness", "Longer side"):
        assert sum(part.is_in_N.sum() for part in found if part.kind == kind) == 40


def test_scores_of_a_part_are_those_of_its_photos_alone(result, rows) -> None:
    found = {one.part.name: one for one in slices(result, parts(result, rows))}
    beach = found["beach"]
    assert beach.photos == 30
    assert beach.auc == pytest.approx(AUCS[:30].mean(), abs=1e-5)
    value, low, high = beach.over_gray
    assert value == pytest.approx(AUCS[:30].mean() - 0.5, abs=1e-5)
    half = 1.96 * AUCS[:30].std(ddof=1) / np.sqrt(30)
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.006)
    assert beach.vivid == pytest.approx(AUCS[:30].mean(), abs=1e-4)  # of a truth of 100
    assert beach.hue.pixels == 30 * SECTORS


def test_photos_of_one_size_in_no_catalog_have_no_parts_but_brightness(result) -> None:
    assert {part.kind for part in parts(result, {})} == {"Brightness"}
