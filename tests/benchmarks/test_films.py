"""The commands that measure films run to their end at tiny sizes, and say what was asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.film.films import make_film, waves

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each line of the table, by the first one."""
    cells = [
        [c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line
    ]
    return {row[0]: row[1:] for row in cells}


@pytest.mark.long
def test_the_speed_of_films(tmp_path: Path) -> None:
    path = tmp_path / "film.json"
    run("benchmarks.film", "--quick", "--output", str(path))
    ratios = json.loads(path.read_text())["ratios"]
    assert len(ratios) == 3
    assert all(ratio["value"]["low"] > 0 for ratio in ratios)


@pytest.mark.long
def test_flicker_of_a_pan_and_of_a_film(tmp_path: Path) -> None:
    found = rows(run("benchmarks.flicker", "--frames", "6"))
    assert list(found)[2:] == ["off", "on", "flow", "truth"]
    assert 0 < float(found["on"][0]) < float(found["off"][0])
    gray = [picture[..., :1].repeat(3, axis=-1) for picture in waves(64, 96, 6)]
    film = make_film(tmp_path / "a.mkv", gray, "ffv1", "gray")
    found = rows(run("benchmarks.flicker", str(film)))
    assert found["smoothing"] == ["flicker", "CDC", "colorfulness"]


def test_what_storing_costs() -> None:
    found = rows(run("benchmarks.storing", "--frames", "3"))
    assert {"libx264", "libvpx-vp9", "ffv1"} <= set(found)
    assert found["ffv1"][1] == "inf"
    assert all(float(cells[1]) > 35 for name, cells in found.items() if name.startswith("lib"))


@pytest.mark.long
def test_cuts_and_camera_moves_lie_apart() -> None:
    found = rows(run("benchmarks.cuts"))
    assert float(found["cut"][-1].rstrip("%")) > 95
    assert all(cells[-1] == "0.0%" for name, cells in found.items() if name.startswith("pan"))
