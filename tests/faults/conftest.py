"""What these tests share: a finished tiny project, and, with those of tracking, a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.project import Starts, make_starts
from tests.tracking.conftest import empty_store

__all__ = ["empty_store", "starts", "store"]


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    """The tiny project at several stages, and what an undisturbed run of it leaves."""
    return make_starts(tmp_path_factory.mktemp("starts"), replaced=False)


@pytest.fixture
def store(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an SQLite store in a new current folder, which nobody has opened yet."""
    shutil.copyfile(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    for name in ("HUESCAPE_TRACKING", "HUESCAPE_STATE", "HUESCAPE_ENGINE", "DVC_ROOT", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"
