"""Nothing that MLflow, a journal or a warning gets to see has a secret of an address in it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.tracking import sessions
from huescape.tracking.membership import Membership
from huescape.tracking.publisher import Outage

ADDRESS = "https://me:hunter2@host.org/SUN397.tar.gz?sig=hunter2"
PARAMS = {"url": ADDRESS, "list": [ADDRESS, {"deep": ADDRESS}], "steps": 1}
DATASET = {"name": "photos", "digest": "d" * 64, "counts": {"train": 3}, "source": ADDRESS}


def holders(folder: Path) -> list[str]:
    """Every file below `folder` that holds the secret."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in files if b"hunter2" in path.read_bytes()]


def record() -> None:
    with tracking.start_training("colorunet", PARAMS, DATASET, {"from": ADDRESS}) as recorder:
        recorder.params({"more": ADDRESS})
        recorder.tags({"note": f"see {ADDRESS}"})
        recorder.metrics(1, {"loss": 1.0})


def test_the_store_has_none(project: MlflowClient, tmp_path: Path) -> None:
    record()
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        text = "\n".join(store.iterdump())
    assert "hunter2" not in text
    assert "https://***@host.org/SUN397.tar.gz?sig=***" in text
    assert holders(tmp_path) == []


def test_the_journal_of_a_server_that_is_down_has_none(
    project: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@127.0.0.1:9/?token=hunter2")
    record()
    journals = list(tmp_path.rglob("header.json"))
    assert json.loads(journals[0].read_text())["destination"] == "http://***@127.0.0.1:9/?token=***"
    assert holders(tmp_path) == []
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "hunter2" not in said


def test_the_point_of_a_sweep_has_none(tmp_path: Path) -> None:
    varied = {"download.sources.0.url": ADDRESS}
    Membership({"run": "r", "params": PARAMS}, "p", varied, {"sweep.point": ADDRESS}).write(
        tmp_path / "point.json"
    )
    assert holders(tmp_path) == []


def test_a_masked_destination_is_only_reached_by_the_address_that_it_stands_for(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Outage, match="its secrets are not kept: set MLFLOW_TRACKING_URI"):
        sessions.connect("http://***@127.0.0.1:9/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@127.0.0.1:9/")
    for kept in ("http://***@127.0.0.1:9/", "http://me:***@127.0.0.1:9/"):
        with pytest.raises(Outage, match=r"refused|Max retries"):
            sessions.connect(kept)
