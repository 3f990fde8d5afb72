"""The table of a sweep, as a file and as text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from huescape.base.digests import seal
from huescape.base.errors import HuescapeError
from huescape.experiments.table import as_csv, as_text, headline

ROWS = [
    {"point": 1, "status": "done", "system": "a", "experiment": "x-1", "e.t": 0.5, "auc": 1 / 3},
    {"point": 2, "status": "failed", "system": "a", "e.t": {"b": 1, "a": [2, None]}},
]


def test_the_file_keeps_values_in_full() -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(ROWS, ["e.t"]))))
    assert [row["point"] for row in read] == ["1", "2"]
    assert float(read[0]["auc"]) == 1 / 3
    assert json.loads(read[1]["e.t"]) == {"a": [2, None], "b": 1}
    assert read[1]["auc"] == read[1]["experiment"] == ""


def test_the_text_is_aligned_and_short() -> None:
    lines = as_text(ROWS, ["e.t"]).splitlines()
    assert len(lines) == 3
    start = lines[0].index("auc")
    assert lines[1][start:].startswith("0.3333")
    assert lines[0].split()[:5] == ["point", "experiment", "status", "system", "t"]


def test_two_keys_with_one_short_name_keep_their_long_ones() -> None:
    heading = as_text([], ["a.t", "b.t"]).splitlines()[0]
    assert "a.t" in heading
    assert "b.t" in heading


def test_headline_scores_come_from_the_stages_files(tmp_path: Path) -> None:
    (tmp_path / "reports/evaluation/a").mkdir(parents=True)
    (tmp_path / "models/a").mkdir(parents=True)
    scores = {"auc": 0.8, "auc_macro": 0.7, "auc_rebalanced": 0.6, "psnr": None, "bins": 1}
    (tmp_path / "reports/evaluation/a.json").write_text(json.dumps(scores))
    seal(tmp_path / "reports/evaluation/a", tmp_path / "reports/evaluation/a.json")
    with pytest.raises(HuescapeError, match=r"system\.json"):
        headline(tmp_path, "a")
    (tmp_path / "models/a/system.json").write_text(json.dumps({"loss": 2.5, "steps": 9}))
    seal(tmp_path / "models/a")
    assert headline(tmp_path, "a") == {
        "auc": 0.8,
        "auc_macro": 0.7,
        "auc_rebalanced": 0.6,
        "bin_accuracy": None,
        "psnr": None,
        "ssim": None,
        "colorfulness": None,
        "loss": 2.5,
        "steps": 9,
    }


def test_no_secret_of_an_address_is_shown() -> None:
    rows = [{**ROWS[0], "download.sources.0.url": "http://me:hunter2@host.org/a?sig=hunter2"}]
    for table in (as_csv, as_text):
        shown = table(rows, ["download.sources.0.url"])
        assert "hunter2" not in shown
        assert "http://***@host.org/a?sig=***" in shown
