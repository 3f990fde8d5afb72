"""Nothing that MLflow, what waits or a warning gets to see has a secret of an address in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.tracking.membership import Membership

ADDRESS = "https://me:hunter2@host.org/SUN397.tar.gz?sig=hunter2"
PARAMS = {"url": ADDRESS, "list": [ADDRESS, {"deep": ADDRESS}], "steps": 1}
DATASET = {"name": "photos", "digest": "d" * 64, "counts": {"train": 3}, "source": ADDRESS}


def holders(folder: Path) -> list[str]:
    """Every file below `folder` that holds the secret."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in files if b"hunter2" in path.read_bytes()]


def record(model: Path) -> None:
    with tracking.start_training("colorunet", PARAMS, DATASET, {"from": ADDRESS}) as recorder:
        recorder.metrics(1, {"loss": 1.0})
        recorder.model(model)


def test_the_store_has_none(project: MlflowClient, model: Path, tmp_path: Path) -> None:
    record(model)
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        text = "\n".join(store.iterdump())
    assert "hunter2" not in text
    assert "https://***@host.org/SUN397.tar.gz?sig=***" in text
    assert holders(tmp_path) == []


def test_what_waits_for_a_server_that_is_down_has_none_and_needs_its_address_again(
    project: MlflowClient,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@127.0.0.1:9/?token=hunter2")
        record(model)
    assert tracking.addresses() == {"http://***@127.0.0.1:9/?token=***": 1}
    assert holders(tmp_path) == []
    said = capsys.readouterr().err
    assert "cannot be used" in said
    assert "hunter2" not in said
    assert tracking.publish_folders(Path("none"), Path("none")) == 0
    assert "its secrets are not kept: set MLFLOW_TRACKING_URI" in capsys.readouterr().err


def test_the_point_of_a_sweep_has_none(tmp_path: Path) -> None:
    varied = {"download.sources.0.url": ADDRESS}
    Membership({"key": "r", "params": PARAMS}, "p", varied, {"sweep.point": ADDRESS}).write(
        tmp_path / "point.json"
    )
    assert holders(tmp_path) == []
