"""A pipeline run is one MLflow run: what was trained, on what, how well, by which engine."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.long


@pytest.mark.parametrize("engine", ["dvc", "snakemake"])
def test_one_run_holds_the_training_and_its_scores(project: Any, engine: str) -> None:
    from mlflow.tracking import MlflowClient

    project.environment["HUESCAPE_TRACKING"] = "on"
    project.set("systems.colorunet.optimizer.lr", 0.0031)
    assert "train@colorunet" in project.engine(engine)
    assert project.engine("dvc") == []  # MLflow's own state is no output

    client = MlflowClient(f"sqlite:///{project.root}/mlflow.db")
    experiment = client.get_experiment_by_name("huescape")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["optimizer.lr"] == "0.0031"
    assert run.data.tags["engine"] == engine
    assert run.data.tags["quantizer"] == "yuv32"
    assert len(run.data.tags["git.commit"]) == 40
    assert run.data.metrics["auc"] > 0.5
    assert len([key for key in run.data.metrics if not key.startswith("system/")]) < 20
    assert run.data.params["evaluate.decode.temperature"]
    steps = [point.step for point in client.get_metric_history(run.info.run_id, "loss")]
    assert steps == sorted(set(steps))
    assert max(steps) == 6
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.name == "sample"
    folders = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert {"data", "evaluation"} <= folders
    (model,) = client.search_logged_models([experiment.experiment_id])
    assert {"auc", "final_loss"} <= {metric.key for metric in model.metrics}

    project.set("evaluate.decode.temperature", 0.5)
    assert "evaluate@colorunet" in project.engine(engine)
    project.set("evaluate.decode.temperature", 0.38)
    project.engine(engine)
    below, again = client.search_runs([experiment.experiment_id])
    assert again.data.metrics["auc"] == run.data.metrics["auc"] != below.data.metrics["auc"]
    assert below.data.tags["mlflow.parentRunId"] == run.info.run_id
    assert below.data.params["evaluate.decode.temperature"] == "0.5"
