"""The runs of a sweep in a real SQLite store: one parent, a child for each point and system."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.base.errors import HuescapeError
from huescape.base.runtime import SWEEP_POINT
from huescape.tracking.membership import Membership, membership
from tests.tracking.conftest import Evaluate

PARAMS = {"quantizer": "yuv3", "optimizer": {"lr": 0.001}}
DATASET = {"name": "photos", "digest": "0123456789abcdef" * 4, "counts": {"train": 30}}


def _member(header: object, point: str) -> Membership:
    assert isinstance(header, dict)
    varied = {"systems.a.steps": len(point)}
    return Membership(header, point, varied, {"sweep": "mine"}, f"steps={len(point)}")


def _families(client: MlflowClient) -> tuple[list[Run], list[Run]]:
    runs = client.search_runs([client.get_experiment_by_name("huescape").experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    return [run for run in runs if run not in children], children


def _train(name: str, member: Membership, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stage train does in a process of the sweep, of three steps."""
    member.write(Path("point.json"))
    with monkeypatch.context() as patch:
        patch.setenv(SWEEP_POINT, "point.json")
        with tracking.start_training(name, PARAMS, DATASET) as recorder:
            for step in (1, 2, 3):
                recorder.metrics(step, {"loss": 1 / step})
            recorder.model(model)


def test_trained_and_reused_points_are_children_with_params_and_scores(
    project: MlflowClient, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, header = tracking.start_sweep("mine", "k" * 32, {"systems.a.steps": "[1, 2]"})
    with recorder:
        trained, reused = _member(header, "p"), _member(header, "pp")
        _train("a", trained, model, monkeypatch)
        for member, auc in ((trained, 0.25), (reused, 0.5)):
            with tracking.attach_member("a", model, member) as child:
                child.results({"auc": auc})
    (parent,), children = _families(project)
    assert parent.info.run_name == "mine"
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {"systems.a.steps": "[1, 2]"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    first, second = sorted(children, key=lambda run: run.data.params["systems.a.steps"])
    assert first.data.params["optimizer.lr"] == "0.001"
    assert first.data.metrics["auc"] == 0.25
    assert first.data.metrics["loss"] == 1 / 3
    assert "origin" not in first.data.tags
    assert second.data.params["network.name"] == "colorunet"  # as the model's own file says
    assert (second.data.metrics["auc"], second.data.metrics["loss"]) == (0.5, 1.5)
    assert [run.info.run_name for run in (first, second)] == ["a steps=1", "a steps=2"]
    assert len(second.outputs.model_outputs) == 1
    assert second.data.tags["origin"] == "reused"
    assert {run.info.status for run in children} == {"FINISHED"}


def test_a_sweep_that_goes_on_has_the_same_runs(
    project: MlflowClient, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        recorder, header = tracking.start_sweep("mine", "k" * 32, {})
        with recorder:
            _train("a", _member(header, "p"), model, monkeypatch)
    (parent,), (child,) = _families(project)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert len(project.get_metric_history(child.info.run_id, "loss")) == 3


def test_a_child_that_is_published_first_makes_its_parent(
    project: MlflowClient, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is out while all is recorded."""
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "./folder")
        recorder, header = tracking.start_sweep("mine", "k" * 32, {"x": "[1]"})
        with tracking.attach_member("a", model, _member(header, "p")) as child:
            child.results({"auc": 0.5})
        recorder.close()
    assert tracking.publish_folders(Path("none"), Path("none")) == 2
    (parent,), (run,) = _families(project)
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.metrics["auc"] == 0.5
    assert parent.data.params == {"x": "[1]"}
    assert (parent.info.status, run.info.status) == ("FINISHED", "FINISHED")


def test_evaluation_within_a_sweep_leaves_the_scores_to_the_sweep(
    project: MlflowClient, model: Path, evaluation: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, header = tracking.start_sweep("mine", "k" * 32, {})
    with recorder:
        _member(header, "p").write(Path("point.json"))
        monkeypatch.setenv(SWEEP_POINT, "point.json")
        tracking.attach("a", model, *evaluation()).close()
    parents, children = _families(project)
    assert (len(parents), children) == (1, [])


def test_tracking_that_is_off_stays_off(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUESCAPE_TRACKING", "off")
    recorder, header = tracking.start_sweep("mine", "k" * 32, {})
    recorder.close()
    assert header is None
    assert project.get_experiment_by_name("huescape") is None


def test_membership_is_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SWEEP_POINT, raising=False)
    assert membership() is None
    member = Membership({"key": "k"}, "p", {"a.b": None}, {"sweep": "mine"})
    member.write(tmp_path / "point.json")
    monkeypatch.setenv(SWEEP_POINT, str(tmp_path / "point.json"))
    assert membership() == member
    (tmp_path / "point.json").write_text("{")
    with pytest.raises(HuescapeError, match=SWEEP_POINT):
        membership()


def test_every_point_and_system_has_its_own_run() -> None:
    keys = {
        Membership({"key": parent}, point, {}, {}).run(system)
        for parent in ("k", "l")
        for point in ("p", "pp")
        for system in ("a", "pa")
    }
    assert len(keys) == 8
