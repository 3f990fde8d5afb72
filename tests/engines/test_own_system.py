"""The README's system of one's own: one file, one preset, and nothing else is trained again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.long, pytest.mark.exhaustive]
ROOT = Path(__file__).parents[2]


def readme_blocks() -> dict[str, str]:
    """The files that the README shows, by path."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("### A system of your own") :].split("\n## ")[0]
    found = re.findall(r"`(src/\S+)`:\n\n```\w+\n(.*?)```", section, re.DOTALL)
    entry = re.search(r"`(\w+): (\{preset: .*?\})`", section)
    assert entry is not None
    return {**dict(found), entry[1]: entry[2]}


@pytest.mark.parametrize("engine", ["dvc", "snakemake"])
def test_one_file_and_one_preset(project: Any, engine: str) -> None:
    files = readme_blocks()
    entry = YAML(typ="safe", pure=True).load(files.pop("mine"))
    assert sorted(files) == [
        f"src/huescape/presets/mine/{f}" for f in ("network.py", "preset.yaml")
    ]
    assert len(files["src/huescape/presets/mine/network.py"].splitlines()) <= 14
    for path, content in files.items():
        target = project.root / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(content)
    small = {"steps": 2, "batch": 2, "augmentation": {"crop": 32}}
    project.set("systems.mine", entry | small)
    assert sorted(project.engine(engine)) == ["check", "evaluate@mine", "report", "train@mine"]
    assert project.engine("dvc") == []
    assert "mine" in (project.root / "reports/index.html").read_text()
    network = project.root / "src/huescape/presets/mine/network.py"
    network.write_text(network.read_text().replace("nn.ReLU()", "nn.GELU()"))
    assert project.engine(engine)[:2] == ["check", "train@mine"]
    project.set("systems.mine.network", {"breadth": 3})
    project.run("huescape", "check", check=False)
    assert "systems.mine.network.breadth: no such key; allowed here: width" in project.output
    project.set("systems.mine.network", {"width": 0})
    project.run("huescape", "check", check=False)
    assert "layer layers.0.weight has no channels" in project.output
    project.set("systems.mine.network", ...)
    project.set("systems.colorunet.network", {"name": "mine"})
    project.run("huescape", "check", check=False)
    assert "systems.colorunet.network.name is 'mine', whose file lies beside" in project.output
