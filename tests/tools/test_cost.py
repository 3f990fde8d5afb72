"""What stages took is kept as they end, and shown; with nothing on record, in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from huescape.base import costs
from tests.reporting.project import Page

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text(re.sub(r"photos: 240", "photos: 20", PARAMS.read_text()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "huescape", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))


def test_nothing_on_record_is_one_line(project: Path) -> None:
    done = call("cost")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "nothing is on record in .huescape/costs.jsonl or logs/" in line
    assert not (project / "reports").exists()


def test_a_stage_that_ran_is_on_the_page(project: Path) -> None:
    assert call("check").returncode == 0  # it disturbs nobody, and leaves nothing
    assert not costs.RECORD.exists()
    done = call("download")
    assert done.returncode == 0, done.stderr
    (cost,) = costs.kept()
    assert cost.stage == "download"
    assert cost.seconds > 0
    assert cost.peak_bytes > 10_000_000
    assert call("filter", "--nonsense").returncode != 0  # what fails is not on record
    (project / "logs").mkdir()
    (project / "logs/train.benchmark.tsv").write_text("s\th:m:s\tmax_rss\n12.5\t0\t2.0\n")
    (project / "logs/half.benchmark.tsv").write_text("s\th:m:s")
    assert call("cost").stdout == "reports/cost.html: 1 stages, 1 rules of Snakemake\n"
    text = " ".join(Page((project / "reports/cost.html").read_text()).text.split())
    assert f"download {cost.seconds:,.1f}" in text
    assert "train 12.5 2.1 MB" in text


def test_the_last_run_of_a_stage_counts(project: Path) -> None:
    costs.keep(["evaluate", "<b>net</b>"], 9.0, {"photos": 3.0})
    costs.keep(["evaluate", "<b>net</b>"], 6.0, {"photos": 4.0})
    costs.keep(["train", "net"], 5.0, {"steps": 10.0})
    with costs.RECORD.open("a") as stream:
        stream.write('{"stage": "torn')
    assert call("cost").returncode == 0
    page = (project / "reports/cost.html").read_text()
    assert "<b>" not in page
    text = " ".join(Page(page).text.split())
    assert "evaluate <b>net</b> 6.0 4 1,500.0" in text
    assert "500.0" in text.split("train net")[1]
    assert "All together 11.0" in text


@pytest.mark.parametrize(
    "line",
    [
        '{"stage": "x"}',
        "[]",
        "[" * 100_000,
        *(
            json.dumps({"stage": "x", "seconds": 1, "peak_bytes": 1, "ended": 1} | wrong)
            for wrong in (
                {"stage": ["x"]},
                {"seconds": "1"},
                {"seconds": float("nan")},
                {"peak_bytes": 10**400},
                {"ended": 10**14},
                {"ended": None},
                {"photos": "7"},
            )
        ),
    ],
)
def test_lines_that_no_stage_wrote_are_left_out(tmp_path: Path, line: str) -> None:
    path = tmp_path / "costs.jsonl"
    path.write_text(f"7\n{line}\n\n")
    assert costs.kept(path) == []


def test_what_is_no_file_has_no_lines(tmp_path: Path) -> None:
    assert costs.kept(tmp_path / "none") == []
    os.mkfifo(tmp_path / "pipe")
    assert costs.kept(tmp_path / "pipe") == []


def test_a_line_cut_short_takes_no_other_with_it(project: Path) -> None:
    costs.RECORD.parent.mkdir()
    costs.RECORD.write_text('{"stage": "torn')
    costs.keep(["bins", "net"], 1.0, None)
    assert [cost.stage for cost in costs.kept()] == ["bins net"]
