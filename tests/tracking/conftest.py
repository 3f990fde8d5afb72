"""A project folder of its own for every test, with a real SQLite store that has its tables."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from huescape.params.base import Named
from huescape.params.systems import SystemParams
from huescape.systems.system import build_system, save_system
from huescape.tracking import recorder
from huescape.tracking.store import connect
from tests.once import made_once

Evaluate = Callable[..., tuple[Path, Path]]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with MLflow's tables and one experiment that no test uses: made once."""
    return made_once(tmp_path_factory, "store", _make_store)


def _make_store(folder: Path) -> Path:
    here = Path.cwd()
    os.chdir(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_EXPERIMENT_NAME", "unused")
            patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
            connect(None)
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


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded goes out at once."""
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.1)


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
    system = build_system(params, quantizer, centers, np.ones(3))
    folder = tmp_path / "models" / "colorunet"
    facts = {"name": "colorunet", "dataset_digest": "d" * 64, "steps": 7, "loss": 1.5}
    rows = [f"{step},{1.5 * 7 / step},0.1\n" for step in range(1, 8)]
    save_system(folder, system, facts, "step,loss,lr\n" + "".join(rows))
    return folder


@pytest.fixture
def evaluation(model: Path, tmp_path: Path) -> Evaluate:
    """Evaluates the model at a temperature, as far as tracking sees it."""

    def evaluate(temperature: float = 0.38, auc: float | None = None) -> tuple[Path, Path]:
        scores, folder = tmp_path / "reports/colorunet.json", tmp_path / "reports/colorunet"
        folder.mkdir(parents=True, exist_ok=True)
        headline = {"auc": temperature if auc is None else auc, "psnr": 20.0, "ssim": None}
        scores.write_text(json.dumps(headline))
        weights = json.loads((model / "system.json").read_text())["weights_sha256"]
        settings = {"decode": {"temperature": temperature}, "prior": "lab313"}
        record = {"settings": settings, "weights_sha256": weights, "baselines": {"gray": headline}}
        (folder / "scores.json").write_text(json.dumps(record))
        (folder / "scores.csv").write_text("prediction,auc\ngray,0.5\n")
        return scores, folder

    return evaluate
