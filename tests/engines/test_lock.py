"""The committed dvc.lock can be made again: every data stage, from nothing, to the same hashes."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
DATA_STAGES = ("download", "filter", "resize", "bins", "encode", "prior")


def _hashes(lock: Path) -> dict[str, str]:
    stages = YAML(typ="safe", pure=True).load(lock.read_text())["stages"]
    return {
        out["path"]: out["md5"]
        for name, stage in stages.items()
        if name.split("@")[0] in DATA_STAGES
        for out in stage["outs"]
    }


def _pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_data_stages_are_made_again_to_the_committed_hashes(fresh: Any) -> None:
    for package in ("numpy", "pillow", "matplotlib"):
        if version(package) != _pinned()[package]:
            pytest.skip(f"dvc.lock was made with {package} {_pinned()[package]}")
    shutil.copy(ROOT / "params.yaml", fresh.root / "params.yaml")
    fresh.run("dvc", "repro", "prior")
    assert _hashes(fresh.root / "dvc.lock") == _hashes(ROOT / "dvc.lock")
