"""The command paired on files of evaluations, as a person runs it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from huescape.base.arrays import write_arrays
from huescape.base.digests import reseal, seal
from huescape.metrics.names import BASELINES
from tests.reporting.test_paired import evaluated


def write(project: Path, name: str) -> Path:
    """What the stage evaluate writes, as far as the command reads it."""
    folder, one = project / "reports/evaluation" / name, evaluated(name)
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(one.scores))
    write_arrays(folder / "photo_sums.npz", **asdict(one.photos))
    assert one.distribution is not None
    write_arrays(folder / "distribution_sums.npz", **asdict(one.distribution))
    seal(folder)
    return folder


def paired(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huescape", "paired", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        write(tmp_path, name)
    return tmp_path


def test_a_table_for_each_score_is_printed_and_written(project: Path) -> None:
    chosen = ("one@median", "two", "--photos", "*/beach/*")
    done = paired(project, *chosen)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("8 photos; macro AuC over ")
    assert "### Macro AuC" in done.stdout
    assert paired(project, *chosen, "-o", "table.md").stdout == ""
    assert (project / "table.md").read_text() == done.stdout
    assert paired(project, *chosen, "-o", "table.csv").returncode == 0
    rows = list(csv.DictReader((project / "table.csv").open()))
    labels = ["one@median", "two@annealed T=1", "two@median", *BASELINES]
    assert list(dict.fromkeys(row["prediction"] for row in rows)) == labels
    assert {row["photos"] for row in rows} == {"8"}
    same = next(r for r in rows if (r["prediction"], r["score"]) == ("two@median", "auc"))
    ends = (same["difference"], same["difference_low"], same["difference_high"])
    assert ends == ("0.000000",) * 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["three"], 1, "reports/evaluation/three: no such evaluation; evaluated: one, two"),
        (["one@mode"], 1, "one@mode: no such decoding; evaluated: median, annealed T=1"),
        (["one", "two", "--photos", "*/desert/*"], 1, "'*/desert/*': matches none of 12 photos"),
        (["one", "-o", "table.txt"], 2, "--output is table.txt; allowed: a name that ends in"),
        (["one", "-o", "reports/table.md"], 1, "reports/table.md: lies in reports"),
        ([], 2, "FIRST"),
    ],
)
def test_what_is_wrong_is_one_line(
    project: Path, arguments: list[str], code: int, words: str
) -> None:
    done = paired(project, *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_damaged_evaluation_is_named_with_what_makes_it_again(project: Path) -> None:
    path = project / "reports/evaluation/two/distribution_sums.npz"
    path.write_bytes(path.read_bytes()[:-40])
    done = paired(project, "one", "two")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "two/distribution_sums.npz: damaged" in done.stderr
    assert "dvc repro -s -f evaluate@two" in done.stderr
    reseal(path)
    assert "is not a readable .npz file" in paired(project, "one", "two").stderr
