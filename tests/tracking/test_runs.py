"""Runs in a real SQLite store, read back through MLflow's client."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Run
from mlflow.store.tracking.dbmodels.models import SqlDataset
from mlflow.tracking import MlflowClient
from PIL import Image
from sqlalchemy import event
from sqlalchemy.orm import Session

import huescape
from huescape import tracking
from huescape.tracking import settings
from tests.tracking.conftest import Evaluate

URI = "MLFLOW_TRACKING_URI"
PARAMS = {"quantizer": "yuv3", "optimizer": {"lr": 0.001, "betas": [0.9, 0.999]}, "steps": 40}
DATASET = {"name": "photos", "digest": "0123456789abcdef" * 4, "counts": {"train": 30, "val": 4}}


def runs(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name("huescape")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def history(client: MlflowClient, run: Run, key: str) -> list[tuple[int, float]]:
    found = client.get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.value) for point in found)


def train(model: Path | None = None, **options: Any) -> None:
    with tracking.start_training("colorunet", PARAMS, DATASET, **options) as recorder:
        for step in range(40):
            recorder.metrics(step, {"loss": 1 / (step + 1), "lr": 0.001})
        if model is not None:
            recorder.model(model)


def test_a_network_that_is_not_pretrained_says_so_in_its_name(project: MlflowClient) -> None:
    for pretrained in ("none", "efficientnet_lite0"):
        params = {**PARAMS, "network": {"name": "mleu", "pretrained": pretrained}}
        with tracking.start_training(f"mleu_{pretrained}", params, DATASET) as recorder:
            recorder.metrics(0, {"loss": 1.0})
    names = {run.info.run_name for run in runs(project)}
    assert names == {"mleu_none (network not pretrained)", "mleu_efficientnet_lite0"}


def test_a_training_is_read_back_whole(
    project: MlflowClient, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUESCAPE_ENGINE", "snakemake")
    Path("dvc.lock").write_text("schema: '2.0'\n")
    figure = tmp_path / "prior.png"
    figure.write_bytes(b"figure")
    rgb = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    with tracking.start_training("colorunet", PARAMS, DATASET, {"note": "first"}) as recorder:
        for step in range(1, 2501):
            recorder.metrics(step, {"loss": 1 / step, "grad norm (L2)": float(step)})
        recorder.picture("val/0", 40, rgb)
        recorder.artifact(figure, "figures")
        recorder.artifact(model, "files")
    [run] = runs(project)
    assert run.info.run_name == "colorunet"
    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "quantizer": "yuv3",
        "optimizer.lr": "0.001",
        "optimizer.betas": "[0.9, 0.999]",
        "steps": "40",
    }
    assert history(project, run, "loss") == [(step, 1 / step) for step in range(1, 2501)]
    assert len(history(project, run, "grad norm _L2_")) == 2500
    assert "Training of the system **colorunet**" in run.data.tags["mlflow.note.content"]
    assert run.data.tags["engine"] == "snakemake"
    assert run.data.tags["quantizer"] == "yuv3"
    assert run.data.tags["system"] == "colorunet"
    assert run.data.tags["note"] == "first"
    assert run.data.tags["huescape.version"] == huescape.__version__
    assert len(run.data.tags["dvc.lock"]) == 64
    assert "origin" not in run.data.tags
    [dataset_input] = run.inputs.dataset_inputs
    assert dataset_input.dataset.name == "photos"
    assert dataset_input.dataset.digest == DATASET["digest"][:36]
    assert run.data.tags["dataset.digest"] == DATASET["digest"]
    profile = json.loads(dataset_input.dataset.profile)
    assert (profile["num_rows"], profile["train"], profile["val"]) == (34, 30, 4)
    folder = Path(project.download_artifacts(run.info.run_id, ""))
    assert (folder / "figures" / "prior.png").read_bytes() == b"figure"
    assert (folder / "files" / "colorunet" / "weights.safetensors").is_file()
    [picture] = (folder / "images").glob("*.png")
    assert "step+40" in picture.name
    assert np.array_equal(np.asarray(Image.open(picture)), rgb)
    assert not Path(".huescape/tracking/waiting").exists()


def test_an_interrupted_training_goes_on_in_the_same_run(project: MlflowClient) -> None:
    def part(first: int, last: int, error: type[BaseException] | None) -> None:
        with tracking.start_training("s", PARAMS, DATASET, resume_key="key") as recorder:
            for step in range(first, last):
                recorder.metrics(step, {"loss": float(step)})
            if error is not None:
                raise error

    with pytest.raises(KeyboardInterrupt):
        part(1, 30, KeyboardInterrupt)
    assert runs(project)[0].info.status == "KILLED"
    part(20, 51, None)  # the last checkpoint was at 20: steps 20 to 29 come again
    [run] = runs(project)
    assert run.info.status == "FINISHED"
    assert history(project, run, "loss") == [(step, float(step)) for step in range(1, 51)]
    part(1, 3, None)
    assert len(runs(project)) == 1, "the same training again is the same run"
    assert history(project, run, "loss") == [(step, float(step)) for step in range(1, 51)]


def test_an_error_fails_the_run_and_an_interruption_kills_it(project: MlflowClient) -> None:
    class Interrupted(huescape.base.errors.HuescapeError):
        exit_code = 130

    for name, error in (("a", ValueError), ("b", Interrupted)):
        with pytest.raises(error), tracking.start_training(name, PARAMS, DATASET):
            raise error("stop")
    statuses = {run.info.run_name: run.info.status for run in runs(project)}
    assert statuses == {"a": "FAILED", "b": "KILLED"}


KILLED = """
import os, signal, sys, time
from huescape import tracking
from mlflow.tracking import MlflowClient
recorder = tracking.start_training("s", {"lr": 1}, {"name": "p", "digest": "d"}, resume_key="k")
for step in range(1, 51):
    recorder.metrics(step, {"loss": 7 * 1.5 / step})
client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
while not any(run.data.metrics for run in client.search_runs(["2"])):
    time.sleep(0.1)
for step in range(51, 101):
    recorder.metrics(step, {"loss": 1.0})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_training_that_is_run_again_is_one_run_with_every_step_once(
    project: MlflowClient, model: Path
) -> None:
    """What the kill took from the queue comes back from the history of the finished model."""
    project.create_experiment("huescape", "mlruns")
    done = subprocess.run([sys.executable, "-c", KILLED], check=False, env=dict(os.environ))
    assert done.returncode == -9
    assert runs(project)[0].info.status == "RUNNING"
    rows = [f"{step},{1 / step},0.1\n" for step in range(1, 121)]
    (model / "history.csv").write_text("step,loss,lr\n" + "".join(rows))
    interrupted = tracking.start_training("s", {"lr": 1}, DATASET, resume_key="k")
    interrupted.metrics(81, {"loss": 1 / 81})
    interrupted.close("KILLED")  # and what it had after that is lost
    with tracking.start_training("s", {"lr": 1}, DATASET, resume_key="k") as recorder:
        for step in range(111, 121):
            recorder.metrics(step, {"loss": 1 / step})
        recorder.model(model)
    [run] = runs(project)
    assert run.info.status == "FINISHED"
    assert [step for step, _ in history(project, run, "loss")] == list(range(1, 121))


def test_a_training_with_another_result_is_another_run(project: MlflowClient, model: Path) -> None:
    train(model, resume_key="k")
    (model / "history.csv").write_text("step,loss\n1,3.0\n2,2.0\n")
    train(model, resume_key="k")
    second, first = runs(project)
    assert {run.info.status for run in (first, second)} == {"FINISHED"}
    assert len(history(project, first, "loss")) == 40
    assert history(project, second, "loss") == [(1, 3.0), (2, 2.0)]


def test_two_working_copies_on_one_store_have_a_run_each(
    project: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / name)
        train(resume_key="the same")
    assert [len(history(project, run, "loss")) for run in runs(project)] == [40, 40]
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    train(resume_key="the same")
    assert len(runs(project)) == 3


def test_the_machine_is_watched_while_training(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    with tracking.start_training("s", PARAMS, DATASET) as recorder:
        recorder.metrics(1, {"loss": 1.0})
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if any("system/" in key for run in runs(project) for key in run.data.metrics):
                break
            time.sleep(0.1)
    assert "system/cpu_utilization_percentage" in runs(project)[0].data.metrics


def test_two_trainings_at_once_are_two_runs(project: MlflowClient) -> None:
    with (
        tracking.start_training("a", PARAMS, DATASET) as first,
        tracking.start_training("b", PARAMS, DATASET) as second,
    ):
        for step in range(20):
            first.metrics(step, {"loss": 1.0})
            second.metrics(step, {"loss": 2.0})
    found = {run.info.run_name: run for run in runs(project)}
    assert sorted(found) == ["a", "b"]
    assert history(project, found["a"], "loss") == [(step, 1.0) for step in range(20)]
    assert history(project, found["b"], "loss") == [(step, 2.0) for step in range(20)]


def test_a_dataset_that_another_run_adds_at_the_same_time(
    project: MlflowClient, capfd: pytest.CaptureFixture[str]
) -> None:
    """Between MLflow's look whether it has the dataset and its own adding of it."""
    others = []

    def another_adds_it(session: Session, *_: object) -> None:
        new = [row for row in session.new if isinstance(row, SqlDataset)]
        if new and not others:
            others.append("other")
            with sqlite3.connect("mlflow.db") as database:
                database.execute(
                    "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, "
                    "dataset_source_type, dataset_source) VALUES (?, ?, ?, ?, 'local', '{}')",
                    ("other", new[0].experiment_id, new[0].name, new[0].digest),
                )

    event.listen(Session, "before_flush", another_adds_it)
    try:
        train()
    finally:
        event.remove(Session, "before_flush", another_adds_it)
    assert others
    assert "cannot be used" not in capfd.readouterr().err
    [run] = runs(project)
    assert run.info.status == "FINISHED"
    [dataset] = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.source) == ("photos", "{}")


def test_one_line_is_printed(project: MlflowClient, capfd: pytest.CaptureFixture[str]) -> None:
    train()
    printed = capfd.readouterr()
    [run] = runs(project)
    uri = os.environ["MLFLOW_TRACKING_URI"]
    assert printed.out == ""
    page = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    assert printed.err.splitlines() == [
        f"MLflow run colorunet: http://127.0.0.1:5000/{page}?workflowType=machine_learning "
        "(while `mlflow ui` runs)"
    ]
    assert uri.endswith("/mlflow.db")


def test_off(
    project: MlflowClient, model: Path, evaluation: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUESCAPE_TRACKING", "off")
    train(model)
    tracking.attach("colorunet", model, *evaluation()).close()
    assert runs(project) == []
    assert not Path(".huescape").exists()


def test_neither_on_nor_off_is_said(
    project: MlflowClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUESCAPE_TRACKING", "of")
    train()
    [said] = [line for line in capsys.readouterr().err.splitlines() if "HUESCAPE_TRACKING" in line]
    assert said.endswith("HUESCAPE_TRACKING is 'of', taken as on; allowed: on, off")
    assert len(runs(project)) == 1


def test_without_mlflow(
    project: MlflowClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "installed", lambda: False)
    train()
    assert capsys.readouterr().err.count("mlflow is not installed") == 1
    assert runs(project) == []


def test_a_caller_s_mistake_is_a_line_and_the_rest_is_tracked(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with tracking.start_training("s", PARAMS, DATASET) as recorder:
        recorder.artifact(Path("nowhere.png"))
        recorder.picture("p", 1, np.zeros((2, 2), dtype=np.complex128))  # type: ignore[arg-type]
        recorder.metrics(1, {"loss": "no number"})  # type: ignore[dict-item]
        recorder.metrics(2, {"loss": 2.0, "never": float("nan"), "big": float("inf")})
    assert capsys.readouterr().err.count("not everything is tracked") == 1
    [run] = runs(project)
    assert history(project, run, "loss") == [(2, 2.0)]
    assert np.isnan(run.data.metrics["never"])


def test_a_disk_that_refuses_stops_tracking_and_nothing_else(
    project: MlflowClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").write_text("not a folder")
    monkeypatch.setenv("HUESCAPE_STATE", "file")
    train()
    error = capsys.readouterr().err
    assert error.count("this run is not tracked") == 1
    assert len(error.splitlines()) == 1


def test_recording_takes_no_time(project: MlflowClient) -> None:
    recorder = tracking.start_training("s", PARAMS, DATASET)
    began = time.perf_counter()
    for step in range(200):
        recorder.metrics(step, {"loss": 1.0, "lr": 1.0, "grad_norm": 1.0})
    assert time.perf_counter() - began < 1.0
    recorder.close()


def test_a_server_that_never_answers_is_not_waited_for(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv(URI, f"http://127.0.0.1:{listener.getsockname()[1]}")
        began = time.perf_counter()
        recorder = tracking.start_training("s", PARAMS, DATASET)
        for step in range(200):
            recorder.metrics(step, {"loss": 1.0})
        assert time.perf_counter() - began < 1.0
        recorder.close()
        assert time.perf_counter() - began < 12.0
    assert "cannot be used" in capsys.readouterr().err
    assert tracking.addresses().total() == 1


@pytest.mark.long
def test_processes_that_start_together_share_a_new_store(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI, f"sqlite:///{Path.cwd()}/new.db")
    code = (
        "import sys; from huescape import tracking\n"
        "with tracking.start_training(sys.argv[1], {}, {'name': 'p', 'digest': 'd'}) as recorder:\n"
        "    recorder.metrics(1, {'loss': 1.0})\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, name], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    printed = [process.communicate()[1] for process in processes]
    assert all(text.startswith("MLflow run") for text in printed), printed
    found = runs(MlflowClient(os.environ[URI]))
    assert sorted(run.info.run_name for run in found) == ["a", "b", "c"]
    assert all(run.data.metrics["loss"] == 1.0 for run in found)
