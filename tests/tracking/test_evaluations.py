"""Evaluations in a real SQLite store: the training's own scores, and those of other settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.base.errors import HuescapeError
from huescape.params.released import released_model
from tests.tracking.conftest import Evaluate
from tests.tracking.test_runs import history, runs, train


def test_other_settings_are_a_run_below_and_the_way_back_leaves_the_scores(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model, resume_key="k")
    for temperature in (0.38, 0.5, 0.38, 0.5):
        tracking.attach("colorunet", model, *evaluation(temperature)).close()
    below, training = runs(project)
    assert training.data.metrics["auc"] == 0.38
    assert training.data.params["evaluate.decode.temperature"] == "0.38"
    assert [value for _, value in history(project, training, "auc")] == [0.38]
    assert below.info.run_name == "colorunet: decode.temperature=0.5"
    assert below.data.tags["mlflow.parentRunId"] == training.info.run_id
    assert below.data.metrics == {"auc": 0.5, "psnr": 20.0}
    assert below.data.params["evaluate.decode.temperature"] == "0.5"
    assert {below.info.status, training.info.status} == {"FINISHED"}
    for run in (below, training):
        folder = Path(project.download_artifacts(run.info.run_id, "evaluation"))
        assert (folder / "colorunet/scores.csv").read_text().startswith("prediction,auc")
        assert json.loads((folder / "colorunet.json").read_text())["auc"] == run.data.metrics["auc"]


def test_settings_that_an_older_evaluation_did_not_have_are_named(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model)
    tracking.attach("colorunet", model, *evaluation()).close()
    scores, folder = evaluation()
    record = json.loads((folder / "scores.json").read_text())
    record["settings"]["tiles"] = 4
    (folder / "scores.json").write_text(json.dumps(record))
    tracking.attach("colorunet", model, scores, folder).close()
    below, training = runs(project)
    assert below.info.run_name == "colorunet: tiles=4"
    assert below.data.tags["mlflow.parentRunId"] == training.info.run_id
    assert "evaluate.tiles" not in training.data.params


def test_new_scores_under_the_same_settings_replace_the_old(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model)
    for auc in (0.1, 0.2):
        tracking.attach("colorunet", model, *evaluation(auc=auc)).close()
    [run] = runs(project)
    assert run.data.metrics["auc"] == 0.2


def test_the_logged_model_has_its_scores_and_its_photos(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model)
    tracking.attach("colorunet", model, *evaluation()).close()
    [run] = runs(project)
    logged = project.get_logged_model(run.outputs.model_outputs[0].model_id)
    metrics = {metric.key: metric for metric in logged.metrics}
    assert metrics["auc"].value == 0.38
    assert metrics["final_loss"].value == 1.5
    assert {metric.dataset_name for metric in logged.metrics} == {"photos"}


def test_a_pulled_model_gets_a_run_of_its_own_once_with_its_curves(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    for auc in (0.1, 0.2):
        tracking.attach("colorunet", model, *evaluation(auc=auc)).close()
    [run] = runs(project)
    assert run.data.tags["origin"] == "pulled"
    assert run.data.tags["quantizer"] == "yuv3"
    assert run.data.params["network.width"] == "2"
    assert run.inputs.dataset_inputs[0].dataset.digest == "d" * 36
    assert (run.data.metrics["auc"], run.info.status) == (0.2, "FINISHED")
    assert [step for step, _ in history(project, run, "loss")] == list(range(1, 8))
    assert len(run.outputs.model_outputs) == 1


def test_a_run_that_was_deleted_is_made_again(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model)
    project.delete_run(runs(project)[0].info.run_id)
    tracking.attach("colorunet", model, *evaluation()).close()
    [run] = runs(project)
    assert (run.data.metrics["auc"], run.data.tags["origin"]) == (0.38, "pulled")


def test_finished_folders_are_published_once(
    project: MlflowClient, model: Path, evaluation: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made while nothing was tracked; what was published before is left as it is."""
    evaluation()
    for published in (1, 0):
        assert tracking.publish_folders(model.parent, Path("reports")) == published
        [run] = runs(project)
        assert run.data.metrics["auc"] == 0.38
        assert len(history(project, run, "loss")) == 7
    (model / "system.json").write_text((model / "system.json").read_text() + "\n")
    weights = json.loads((model / "system.json").read_text())
    (model / "system.json").write_text(json.dumps({**weights, "weights_sha256": "another"}))
    assert tracking.publish_folders(model.parent, Path("reports")) == 1
    newer, _ = runs(project)
    assert "auc" not in newer.data.metrics, "those are the scores of another model"


@pytest.mark.parametrize(
    ("damaged", "content"),
    [
        ("models/a/system.json", "{"),
        ("models/a/system.json", "{}"),
        ("models/a/history.csv", None),
        ("models/a/history.csv", "step,loss\n1,x\n"),
        ("models/a/history.csv", "step,lr\n1,2\n"),
        ("reports/a/scores.json", "{"),
        ("reports/a.json", None),
    ],
)
def test_a_damaged_folder_is_named_and_the_others_are_published(
    project: MlflowClient,
    model: Path,
    evaluation: Evaluate,
    damaged: str,
    content: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(model, model.parent / "a")
    scores, folder = evaluation()
    shutil.copyfile(scores, scores.with_name("a.json"))
    shutil.copytree(folder, folder.with_name("a"))
    if content is None:
        Path(damaged).unlink()
    else:
        Path(damaged).write_text(content)
    with pytest.raises(HuescapeError, match=r"^published: \d; damaged: a$"):
        tracking.publish_folders(Path("models"), Path("reports"))
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"huescape: warning: not published: {damaged} ")
    assert runs(project)[0].data.metrics["auc"] == 0.38


def test_a_copied_project_writes_into_its_own_artifacts(
    store: str,
    model: Path,
    evaluation: Evaluate,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    train(model)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(tmp_path, copy)
    monkeypatch.chdir(copy)
    tracking.attach("colorunet", copy / "models/colorunet", *evaluation()).close()
    train(copy / "models/colorunet")
    client = MlflowClient(f"sqlite:///{copy}/mlflow.db")
    for run in runs(client):
        assert run.info.artifact_uri.startswith(f"{copy}/mlruns/")
        [output] = run.outputs.model_outputs
        location = Path(client.get_logged_model(output.model_id).artifact_location)
        assert location.is_relative_to(copy)
        assert (location / "MLmodel").is_file()
    assert len(runs(client)) == 2
    shutil.rmtree(tmp_path / "reports")
    assert before == {path: path.stat().st_mtime_ns for path in before}
    [run] = runs(MlflowClient(store))
    assert run.info.artifact_uri.startswith(f"{tmp_path}/mlruns/")


def test_a_shipped_model_has_a_run_of_its_scores_alone_once(
    project: MlflowClient, evaluation: Evaluate
) -> None:
    shipped = released_model("landscape")
    scores, folder = evaluation()
    found = json.loads((folder / "scores.json").read_text())
    weights = json.loads((shipped / "system.json").read_text())["weights_sha256"]
    (folder / "scores.json").write_text(json.dumps({**found, "weights_sha256": weights}))
    scores, folder = scores.rename("reports/landscape.json"), folder.rename("reports/landscape")
    for _ in range(2):
        tracking.attach_shipped("landscape", shipped, scores, folder).close()
        [run] = runs(project)
    assert run.data.metrics == {"auc": 0.38, "psnr": 20.0}
    assert run.data.tags["origin"] == "shipped"
    assert run.data.params["evaluate.prior"] == "lab313"
    assert run.info.status == "FINISHED"
    assert not (run.outputs and run.outputs.model_outputs)
    listed = Path(project.download_artifacts(run.info.run_id, "evaluation"))
    assert json.loads((listed / "landscape.json").read_text())["auc"] == 0.38
    for published in (0, 0):
        assert tracking.publish_folders(Path("none"), Path("reports"), [shipped]) == published
    project.delete_run(run.info.run_id)
    assert tracking.publish_folders(Path("none"), Path("reports"), [shipped]) == 1
