"""The command statistics, as a person runs it, against a count in float64."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from skimage.color import rgb2lab

from huescape.color.bins import gamut_centers
from tests.conftest import Called

PARAMS = """\
download:
  sources:
    - {kind: folder, name: listed, root: warm}
filter: {min_side: 16, min_chroma: 0.5, max_distance: 0}
resize: {size: 32, shards: 2}
quantizers:
  lab313:
    space: lab
    bins: {rule: gamut}
    prior: {sigma: 5.0, lambda: 0.5}
    encode: {method: hard}
  cells:
    space: yuv
    bins: {rule: frequent, n: 3, cells: 10}
    prior: {sigma: 0.0, lambda: 0.5}
    encode: {method: cell}
systems:
  colorunet: {preset: colorunet, quantizer: cells, augmentation: {crop: 32}}
evaluate: {prior: lab313}
"""


def _picture(seed: int, tint: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, 30, (32, 24, 3))
    return (noise + tint).clip(0, 255).astype(np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text(PARAMS)
    for name, tint in (("warm", (190, 120, 60)), ("cold", (60, 110, 190))):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.fromarray(_picture(number, tint)).save(tmp_path / name / f"{number}.png")
        gray = np.full((32, 32, 3), 128, np.uint8)
        Image.fromarray(gray).save(tmp_path / name / "gray.png")  # the filter drops it
    return tmp_path


def _run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huescape", "statistics", *arguments],
        cwd=project,
        env=os.environ | {"HUESCAPE_WORKERS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found if ".huescape/" not in str(p)}


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _slow_shares(project: Path, name: str) -> npt.NDArray[np.float64]:
    pixels = [np.asarray(Image.open(project / name / f"{n}.png")) for n in range(4)]
    ab = rgb2lab(np.concatenate(pixels) / 255.0)[..., 1:].reshape(-1, 2)
    nearest = ((ab[:, None] - gamut_centers()) ** 2).sum(-1).argmin(1)
    return np.bincount(nearest, minlength=313) / len(nearest)


def test_two_folders_side_by_side(project: Path) -> None:
    before = _files(project)
    done = _run(project, "listed", "cold", "-o", "out/stats")
    assert done.returncode == 0, done.stderr
    out = project / "out" / "stats"
    names = ["bins.csv", "prior-cold.png", "prior-listed.png", "priors.png", "summary.csv"]
    assert sorted(path.name for path in out.iterdir()) == names
    after = _files(project)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("out/stats/") for name in set(after) - set(before))

    rows = _table(out / "bins.csv")
    shares = {name: _slow_shares(project, name) for name in ("warm", "cold")}
    for column, name in (("listed_empirical", "warm"), ("cold_empirical", "cold")):
        found = np.array([float(row[column]) for row in rows])
        assert np.abs(found - shares[name]).sum() < 2e-3  # a pixel between two bins in float32
    assert done.stdout == (out / "summary.csv").read_text()
    summary = {row["source"]: row for row in _table(out / "summary.csv")}
    for column, name in (("listed", "warm"), ("cold", "cold")):
        p = shares[name][shares[name] > 0]
        assert (summary[column]["photos"], summary[column]["pixels"]) == ("4", str(4 * 32 * 24))
        assert float(summary[column]["entropy_bits"]) == pytest.approx(
            -(p * np.log2(p)).sum(), 0.01
        )
        chroma = (shares[name] * np.hypot(*gamut_centers().T)).sum()
        assert float(summary[column]["mean_chroma"]) == pytest.approx(chroma, rel=0.01)
        assert 0.5 < float(summary[column]["js_bits"]) <= 1
        assert summary[column]["never_seen"] == str((shares[name] == 0).sum())
    ratios = [row["ratio"] for row in rows if row["ratio"] not in ("", "inf")]
    assert ratios


def test_one_source_in_braces_has_its_prior_alone(project: Path) -> None:
    done = _run(project, "{kind: folder, name: mine, root: cold}", "-o", "out")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (project / "out").iterdir())
    assert names == ["bins.csv", "prior-mine.png", "summary.csv"]
    assert "ratio" not in _table(project / "out/bins.csv")[0]
    (row,) = _table(project / "out/summary.csv")
    assert (row["source"], row["kl_bits"], row["js_bits"]) == ("mine", "", "")


def test_the_second_is_counted_in_the_cells_of_the_first(project: Path) -> None:
    runs = {"warm": ("warm", "cold"), "cold": ("cold", "warm"), "alone": ("warm",)}
    for name, sources in runs.items():
        done = _run(project, *sources, "-o", f"out/{name}", "--quantizer", "cells")
        assert done.returncode == 0, done.stderr
    tables = {name: _table(project / "out" / name / "bins.csv") for name in runs}
    centers = {
        name: [(row["first"], row["second"]) for row in table] for name, table in tables.items()
    }
    assert centers["warm"] == centers["alone"] != centers["cold"]
    for row, alone in zip(tables["warm"], tables["alone"], strict=True):
        assert row["warm_empirical"] == alone["warm_empirical"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["warm", "cold", "listed"], "3 sources; allowed: one or two"),
        (["gone"], "gone: no folder, and no source of params.yaml; allowed: a folder, listed, or"),
        (["warm", "warm"], "two sources have the name 'warm'"),
        (["{kind: folder, root: [}"], "SOURCE, line 1: not valid YAML"),
        (["{kind: nosuch}"], "kind is 'nosuch'; allowed: div2k, folder"),
        (
            ["{kind: folder, root: warm, glob: x}"],
            "error: command line: SOURCE 1.glob: no such",
        ),
        (["{kind: folder}"], "root: is missing"),
        (["warm", "{kind: folder, name: b, root: out}"], "SOURCE 2.root: out does not exist"),
        (["warm", "--quantizer", "lab"], "--quantizer is 'lab'; allowed: cells, lab313"),
        (["warm", "-o", "data/raw/x"], "lies in data/raw"),
        (["warm", "cold", "-o", "cold/new/out"], "--output cold/new/out: lies in cold, whose"),
        (["warm", "-o", "cold"], "cold: exists; name another folder"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(
    project: Path, called: Called, arguments: list[str], words: str
) -> None:
    before = _files(project)
    done = called(project, "statistics", "-o", "out", *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert _files(project) == before
    assert not (project / "out").exists()
