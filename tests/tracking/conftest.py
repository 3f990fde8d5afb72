"""A project folder of its own for every test, with a real SQLite store that has its tables."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from huescape.params.base import Named
from huescape.params.systems import SystemParams
from huescape.systems.system import build_system, save_system
from huescape.tracking import mlflow_store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with MLflow's tables and one experiment that no test uses: made once."""
    folder = tmp_path_factory.mktemp("store")
    here = Path.cwd()
    os.chdir(folder)
    try:
        mlflow_store.connect(f"sqlite:///{folder}/mlflow.db", "unused")
    finally:
        os.chdir(here)
    return folder / "mlflow.db"


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


@pytest.fixture
def project(store: str) -> MlflowClient:
    """An empty project folder as the current one; a client of its store."""
    return MlflowClient(store)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small untrained system, saved as the stage train saves one."""
    params = SystemParams(
        preset="colorunet",
        quantizer="yuv3",
        network=Named.model_validate({"name": "colorunet", "width": 2}),
        loss=Named(name="cross_entropy"),
        steps=7,
    )
    quantizer = {
        "quantizer": "yuv3",
        "space": "yuv",
        "encode": {"method": "hard", "stride": 1},
        "bins": 3,
    }
    centers = np.array([[0.0, 0.0], [0.1, -0.1], [-0.1, 0.1]])
    system = build_system(params, quantizer, centers)
    folder = tmp_path / "models" / "colorunet"
    facts = {"name": "colorunet", "dataset_digest": "d" * 64, "steps": 7, "loss": 1.5}
    save_system(folder, system, facts, "step,loss\n7,1.5\n")
    return folder
