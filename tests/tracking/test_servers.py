"""Real tracking servers on loopback: up, down, and down first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow.artifacts
import mlflow.pyfunc
import numpy as np
import pytest
import torch
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.systems.system import load_system
from huescape.tracking.journal import waiting
from huescape.tracking.ledger import Ledger

DATASET = {"name": "photos", "digest": "d" * 64, "counts": {"train": 3}}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(
    port: int, folder: Path, *arguments: str, end: signal.Signals = signal.SIGTERM
) -> Iterator[str]:
    """`mlflow` with these arguments, until it answers; its process group ends with the block."""
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # Its job runners live in sessions of their own, and would outlive a server that is killed.
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [sys.executable, "-m", "mlflow", *arguments, "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health", folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, end)
            process.wait()


def _wait(address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    pytest.fail(f"no answer from {address}: {log.read_text()[-2000:]}")


def train(model: Path | None = None) -> float:
    """A training of 200 records; the seconds that recording and closing took."""
    began = time.perf_counter()
    with tracking.start_training("colorunet", {"lr": 1}, DATASET) as recorder:
        for step in range(200):
            recorder.metrics(step, {"loss": 1 / (step + 1), "lr": 1.0})
        taken = time.perf_counter() - began
        recorder.picture("val", 200, np.zeros((8, 8, 3), np.uint8))
        if model is not None:
            recorder.model(model)
    return taken


def check_run(uri: str, model: Path) -> None:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("huescape")
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"lr": "1"}
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 200
    assert run.inputs.dataset_inputs[0].dataset.name == "photos"
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["images"]
    [output] = run.outputs.model_outputs
    location = client.get_logged_model(output.model_id).artifact_location
    local = mlflow.artifacts.download_artifacts(artifact_uri=location, tracking_uri=uri)
    lightness = np.zeros((1, 1, 16, 16), np.float32)
    expected = load_system(model).predict(torch.from_numpy(lightness)).numpy()
    assert np.array_equal(mlflow.pyfunc.load_model(local).predict(lightness), expected)


@pytest.mark.long
def test_a_server_that_is_down_costs_nothing_and_gets_everything_later(
    project: MlflowClient,
    model: Path,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert train(model) < 1.0
    assert tracking.replay() == 0
    with tracking.attach("colorunet", model) as recorder:
        recorder.results({"auc": 0.5})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3, "one for each process that tried"
    assert all("cannot be reached" in line and "Connection refused" in line for line in lines)
    assert len(waiting(Ledger().pending)) == 2
    folder = tmp_path / "server"
    folder.mkdir()
    with server(port, folder, "server"):
        assert tracking.replay() == 2
        check_run(uri, model)
        client = MlflowClient(uri)
        [run] = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
        assert run.data.metrics["auc"] == 0.5
    assert waiting(Ledger().pending) == []


@pytest.mark.long
def test_a_server_that_goes_down_in_the_middle(
    project: MlflowClient, model: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    folder = tmp_path / "server"
    folder.mkdir()
    with server(port, folder, "server"):
        recorder = tracking.start_training("colorunet", {"lr": 1}, DATASET)
        for step in range(100):
            recorder.metrics(step, {"loss": 1 / (step + 1)})
        deadline = time.monotonic() + 60
        [pending] = waiting(Ledger().pending)
        while not (pending / "offset").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    for step in range(100, 200):
        recorder.metrics(step, {"loss": 1 / (step + 1)})
    recorder.picture("val", 200, np.zeros((8, 8, 3), np.uint8))
    recorder.model(model)
    began = time.perf_counter()
    recorder.close()
    assert time.perf_counter() - began < 15
    with server(port, folder, "server"):
        assert tracking.replay() == 1
        check_run(uri, model)


@pytest.mark.long
def test_the_default_store_is_what_a_bare_mlflow_ui_shows(
    port: int, tmp_path: Path, model: Path
) -> None:
    """A process without any setting records; `mlflow ui` in the same folder serves its run."""
    code = (
        "from pathlib import Path; from huescape import tracking\n"
        "with tracking.start_training('s', {'lr': 1}, {'name': 'p', 'digest': 'd'}) as recorder:\n"
        "    recorder.metrics(1, {'loss': 2.0})\n"
        "    recorder.artifact(Path('figure.txt'), 'figures')\n"
        "    recorder.model(Path('models/colorunet'))\n"
    )
    (tmp_path / "figure.txt").write_text("figure")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "HUESCAPE"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("MLflow run s ")
    assert line.endswith(" in sqlite:///mlflow.db")
    assert (tmp_path / "mlflow.db").is_file()
    assert (tmp_path / "mlruns").is_dir()
    with server(port, tmp_path, "ui") as uri:
        client = MlflowClient(uri)
        [run] = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
        assert (run.info.run_name, run.data.metrics["loss"]) == ("s", 2.0)
        route = f"{uri}/get-artifact?path=figures/figure.txt&run_uuid={run.info.run_id}"
        with urllib.request.urlopen(route, timeout=20) as answer:
            assert answer.read() == b"figure"
        assert len(run.outputs.model_outputs) == 1
