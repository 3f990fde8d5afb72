"""What `dvc plots` shows: its tables, and the real command on dvc.yaml's own definitions."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from tests.reporting.project import Inputs, write_project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    write_project(tmp_path)
    return Inputs(tmp_path)


def lines(path: Path) -> dict[str, list[dict[str, str]]]:
    found = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["system"]].append(row)
    return found


def test_every_system_and_baseline_is_a_line(inputs: Inputs) -> None:
    inputs.run()
    shares = lines(inputs.root / "reports/plots/auc.csv")
    assert [*shares][:3] == ["colorunet", "wide", "Gray"]
    assert "Ground truth" not in shares
    for rows in shares.values():
        assert [int(row["threshold"]) for row in rows] == list(range(151))
        values = [float(row["share"]) for row in rows]
        assert values == sorted(values)
        assert 0 <= values[0] <= values[-1] <= 1
    losses = lines(inputs.root / "reports/plots/learning.csv")
    assert [*losses] == ["colorunet", "wide"]
    assert len(losses["wide"]) == 160
    assert float(losses["wide"][0]["loss"]) == pytest.approx(3, abs=1e-6)


@pytest.mark.long
def test_dvc_draws_what_dvc_yaml_names(inputs: Inputs) -> None:
    inputs.run()
    root = inputs.root
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["dvc", "init", "-q"], cwd=root, check=True)
    shutil.copytree(ROOT / ".dvc/plots", root / ".dvc/plots")
    shutil.copy(ROOT / ".dvc/config", root / ".dvc")
    shutil.copy(ROOT / ".dvc/plots.html", root / ".dvc")
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (root / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    done = subprocess.run(
        ["dvc", "plots", "show", "--json"], cwd=root, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert not found.get("errors")
    names = set(found.get("data", found))
    assert {"Learning curves", "AuC curves"} <= names
    assert any(name.endswith("auc.png") for name in names)
    assert any("prior-yuv32" in name for name in names)
    text = json.dumps(found)
    assert '"field": "system"' in text.replace('\\"', '"')
    subprocess.run(["dvc", "plots", "show"], cwd=root, check=True)
    page = (root / "dvc_plots/index.html").read_text()
    assert "vegaEmbed(" in page
    assert not re.search(r"""(src|href)=["']?https?:""", page), "the page loads from the network"
