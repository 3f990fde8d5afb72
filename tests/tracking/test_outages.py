"""Stores that are down, slow, read-only or broken, at the start, in the middle, at the end."""

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
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.coloring.painting import colorize
from huescape.systems.system import load_system
from huescape.tracking import recorder as recording
from tests.coloring.systems import picture
from tests.tracking.conftest import Evaluate
from tests.tracking.test_runs import history, runs

URI = "MLFLOW_TRACKING_URI"
DATASET = {"name": "photos", "digest": "d" * 64, "counts": {"train": 3}}
STEPS = 7  # that the history of the model has


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
    folder.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if k != URI}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # Its job runners live in sessions of their own, and would outlive a server that is killed.
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [sys.executable, "-m", "mlflow", *arguments, "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            answering(f"http://127.0.0.1:{port}/health", folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, end)
            process.wait()


def answering(address: str, log: Path) -> None:
    """Wait until something answers there, a minute and a half at most."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    pytest.fail(f"no answer from {address}: {log.read_text()[-2000:]}")


def until_sent(client: MlflowClient) -> None:
    """Wait until the run has a point of the loss, at most a minute."""
    deadline = time.monotonic() + 60
    while not any("loss" in run.data.metrics for run in runs(client)):
        assert time.monotonic() < deadline, "nothing was sent within a minute"
        time.sleep(0.1)


def record(recorder: tracking.Recorder, first: int, last: int) -> None:
    """What a training of the model records, in much less than a second."""
    began = time.perf_counter()
    for step in range(first, last + 1):
        recorder.metrics(step, {"loss": 1.5 * STEPS / step, "lr": 0.1})
    recorder.picture("val/0", last, np.zeros((8, 8, 3), np.uint8))
    assert time.perf_counter() - began < 0.5


def train(model: Path) -> float:
    """A training; the seconds that it took."""
    began = time.perf_counter()
    with tracking.start_training("colorunet", {"lr": 1}, DATASET, resume_key="k") as recorder:
        record(recorder, 1, STEPS)
        recorder.model(model)
    return time.perf_counter() - began


def check_run(uri: str, model: Path) -> None:
    """One finished run with every step once, and a model that colors as the system does."""
    client = MlflowClient(uri)
    [run] = runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.params["lr"] == "1"
    found = history(client, run, "loss")
    assert found == [(step, 1.5 * STEPS / step) for step in range(1, STEPS + 1)]
    assert run.inputs.dataset_inputs[0].dataset.name == "photos"
    [output] = run.outputs.model_outputs
    location = client.get_logged_model(output.model_id).artifact_location
    local = mlflow.artifacts.download_artifacts(artifact_uri=location, tracking_uri=uri)
    photo = picture(16, 24)
    [colored] = mlflow.pyfunc.load_model(local).predict(pd.DataFrame({"image": [photo]}))["image"]
    assert np.array_equal(colored, colorize(load_system(model), photo, as_print=True))
    assert tracking.addresses().total() == 0


@pytest.mark.long
def test_a_server_that_is_down_costs_nothing_and_gets_the_run_later(
    project: MlflowClient,
    model: Path,
    evaluation: Evaluate,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(URI, f"http://127.0.0.1:{port}")
    assert train(model) < 5
    tracking.attach("colorunet", model, *evaluation()).close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "one for each process that tried"
    assert all("cannot be used" in line and "Connection refused" in line for line in lines)
    with server(port, tmp_path / "server", "server") as uri:
        assert tracking.publish_folders(Path("none"), Path("none")) == 2
        check_run(uri, model)
        assert runs(MlflowClient(uri))[0].data.metrics["auc"] == 0.38


@pytest.mark.long
@pytest.mark.parametrize("back", [False, True])
def test_a_server_that_goes_down_in_the_middle(
    project: MlflowClient,
    model: Path,
    back: bool,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is back before the training ends, or after it."""
    monkeypatch.setenv(URI, f"http://127.0.0.1:{port}")
    monkeypatch.setattr(recording, "OUTAGE_SECONDS", 0.5)
    monkeypatch.setattr(recording, "CLOSE_SECONDS", 60.0 if back else 10.0)
    recorder = tracking.start_training("colorunet", {"lr": 1}, DATASET, resume_key="k")
    with server(port, tmp_path / "server", "server", end=signal.SIGKILL) as uri:
        record(recorder, 1, 3)
        until_sent(MlflowClient(uri))
    record(recorder, 4, STEPS)
    recorder.model(model)
    if back:
        said, deadline = "", time.monotonic() + 60
        while "cannot be used" not in said and time.monotonic() < deadline:
            time.sleep(0.1)
            said += capsys.readouterr().err
        with server(port, tmp_path / "server", "server") as uri:
            recorder.close()
            check_run(uri, model)
    else:
        began = time.perf_counter()
        recorder.close()
        assert time.perf_counter() - began < 15
        with server(port, tmp_path / "server", "server") as uri:
            assert tracking.publish_folders(Path("none"), Path("none")) == 1
            check_run(uri, model)


def test_a_server_that_never_answers_is_not_waited_for(
    project: MlflowClient,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    monkeypatch.setattr(recording, "CLOSE_SECONDS", 2.0)
    with socket.socket() as listener, monkeypatch.context() as patch:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        patch.setenv(URI, f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert train(model) < 5
    assert "cannot be used: no answer within 2 s" in capsys.readouterr().err
    assert tracking.addresses().total() == 1


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
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("MLflow run s: http://127.0.0.1:5000/#/experiments/")
    assert line.endswith("?workflowType=machine_learning (while `mlflow ui` runs)")
    with server(port, tmp_path, "ui") as uri:
        client = MlflowClient(uri)
        [run] = runs(client)
        assert (run.info.run_name, run.data.metrics["loss"]) == ("s", 2.0)
        tags = client.get_experiment(run.info.experiment_id).tags
        assert tags["mlflow.experimentKind"] == "custom_model_development"
        route = f"{uri}/get-artifact?path=figures/figure.txt&run_uuid={run.info.run_id}"
        with urllib.request.urlopen(route, timeout=20) as answer:
            assert answer.read() == b"figure"
        assert len(run.outputs.model_outputs) == 1
