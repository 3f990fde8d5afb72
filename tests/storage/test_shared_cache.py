"""A cache that a team shares: outputs are links into it, and no stage writes through them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engines.conftest import made_by_dvc, project
from tests.storage.test_remotes import cached

__all__ = ["made_by_dvc", "project"]  # fixtures
pytestmark = pytest.mark.exhaustive


@pytest.mark.parametrize(("kind", "engine"), [("symlink", "dvc"), ("hardlink", "snakemake")])
def test_stages_replace_linked_outputs(
    project: Any, kind: str, engine: str, tmp_path: Path
) -> None:
    """Every stage runs over links of each kind: the cache keeps what it had, as it was."""
    shared = tmp_path / "shared"
    shutil.move(project.root / ".dvc/cache", shared)
    for setting in (("cache.dir", str(shared)), ("cache.shared", "group"), ("cache.type", kind)):
        project.run("dvc", "config", *setting)
    project.run("dvc", "checkout", "--relink")
    weights = project.root / "models/colorunet/weights.safetensors"
    assert weights.is_symlink() if kind == "symlink" else weights.stat().st_nlink == 2
    assert project.engine("dvc") == []
    before = cached(shared)
    project.set("download.sources.0.photos", 36)
    assert {"download", "resize", "train@colorunet", "report"} <= set(project.engine(engine))
    assert cached(shared) > before
    assert weights.resolve().is_relative_to(shared) or weights.stat().st_nlink == 2
    project.run("dvc", "status")
    assert "up to date" in project.output
