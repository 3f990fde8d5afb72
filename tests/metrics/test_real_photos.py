"""Scores that were measured once by other code on real photos, found again.

The photos are the 239 of the SUN397 subset in the dataset's own test split, without formal
gardens, fitted into 256 x 256.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from huescape.color.bins import gamut_centers
from huescape.metrics.photo import score, truth
from huescape.metrics.totals import Rules, Totals
from huescape.photos import fit, open_photo

DEFAULT = Path(__file__).parents[3] / "shared/data"
PHOTOS = Path(os.environ.get("HUESCAPE_TEST_PHOTOS", DEFAULT)) / "sun397_subset"


@pytest.mark.long
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs HUESCAPE_TEST_PHOTOS")
def test_gray_on_landscapes() -> None:
    with (PHOTOS / "MANIFEST.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    paths = [row["path"].lstrip("/") for row in rows if row["tfds_split"] == "te"]
    paths = [path for path in paths if "formal_garden" not in path]
    centers_Q2 = gamut_centers()
    totals = Totals(Rules(np.ones(313), macro_pixels=1000, macro_photos=5))
    for path in paths:
        rgb_SS3, box = fit(open_photo((PHOTOS / path).read_bytes()), 256)
        top, left, height, width = (int(value) for value in box)
        rgb_HW3 = rgb_SS3[top : top + height, left : left + width]
        gray_HW3 = np.repeat(rgb_HW3.max(axis=2, keepdims=True), 3, axis=2)
        true = truth(rgb_HW3, centers_Q2)
        totals.add(score(true, np.zeros((height, width, 2), np.float32), gray_HW3))
    assert len(paths) == 239
    found, coverage = totals.scores(), totals.coverage()
    assert found["auc_photo_mean"] == pytest.approx(0.868, abs=0.0005)
    assert found["auc_macro"] == pytest.approx(0.696, abs=0.0005)
    assert coverage["macro_bins"] == 108
    assert coverage["pixels"] == 12_398_848
    assert found["delta_colorfulness"] == pytest.approx(43.3, abs=0.05)  # gray's own is 0
