"""Every benchmark runs to its end at tiny sizes: none rots, and none holds a time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import SUITE
from benchmarks.document import PAGES

ROOT = Path(__file__).parents[2]
# These run whole pipelines: minutes, even at their smallest.
SLOW = {"engines", "growth", "growth_engines", "pipeline"}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.exhaustive] if n in SLOW else []) for n in SUITE],
)
def test_it_runs_and_says_what_was_asked(name: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    done = _run(f"benchmarks.{name}", "--quick", "--output", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    recorded = json.loads(path.read_text())
    assert recorded["benchmark"] == name
    assert recorded["ratios"]
    for ratio in recorded["ratios"]:
        value = ratio["value"]
        assert value["low"] <= value["median"] <= value["high"], ratio
        # Fixed costs taken off a pipeline this small may leave less than nothing.
        assert value["low"] > 0 or name == "pipeline", ratio
    assert any(ratio["target"] for ratio in recorded["ratios"])


def test_the_pages_have_a_place_for_each() -> None:
    pages = "".join((ROOT / page).read_text() for page in PAGES)
    expected = sorted([*SUITE, "gpu", "summary", "scale"])
    assert sorted(re.findall(r"<!-- bench:(\w+) -->", pages)) == expected


def test_an_unknown_benchmark_is_refused_in_one_line() -> None:
    done = _run("benchmarks", "speed")
    assert done.returncode == 2
    assert "no benchmark 'speed': allowed are" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
