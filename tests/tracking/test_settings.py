"""Settings that can never work are told from a store that is out, with what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.base.errors import HuescapeError
from tests.tracking.test_runs import history, runs, train

URI = "MLFLOW_TRACKING_URI"


@pytest.mark.parametrize("uri", ["./folder", "file:///nowhere", "htp://x", "mysql://b/c"])
def test_an_address_that_can_never_work_is_one_line_and_the_next_one_gets_the_run(
    project: MlflowClient,
    model: Path,
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(URI, uri)
        train(model)
        [line] = capsys.readouterr().err.splitlines()
        assert f"MLflow at {uri} can never be used: " in line
        assert "set MLFLOW_TRACKING_URI to http://HOST:PORT" in line
    assert tracking.publish_folders(Path("none"), Path("none")) == 1
    [run] = runs(project)
    assert len(history(project, run, "loss")) == 7, "as its model's history has it"


def test_a_deleted_experiment_is_named_with_what_brings_it_back(
    project: MlflowClient, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train()
    experiment = project.get_experiment_by_name("huescape").experiment_id
    project.delete_experiment(experiment)
    capsys.readouterr()
    train(model)
    [line] = capsys.readouterr().err.splitlines()
    assert f"`mlflow experiments restore --experiment-id {experiment}` brings it back" in line
    project.restore_experiment(experiment)
    assert tracking.publish_folders(Path("none"), Path("none")) == 1
    assert len(runs(project)) == 2


def test_an_experiment_that_another_machine_makes_meanwhile_is_taken(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lock of a project keeps out its own processes, not those of other clones."""
    create = MlflowClient.create_experiment

    def too_late(client: MlflowClient, name: str, *arguments: Any, **options: Any) -> str:
        create(project, name)
        return create(client, name, *arguments, **options)

    monkeypatch.setattr(MlflowClient, "create_experiment", too_late)
    train()
    assert "cannot be used" not in capsys.readouterr().err
    [run] = runs(project)
    assert run.info.status == "FINISHED"


def test_one_of_several_dead_addresses_can_be_given_up(
    project: MlflowClient, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for port in (9, 10):
        with monkeypatch.context() as patch:
            patch.setenv(URI, f"http://me:secret@127.0.0.1:{port}")
            train(model)
    assert tracking.addresses() == {f"http://***@127.0.0.1:{port}": 1 for port in (9, 10)}
    with pytest.raises(HuescapeError, match=r"nothing waits for x; addresses: http://\*\*\*@127"):
        tracking.forget("x")
    assert tracking.forget("http://me:secret@127.0.0.1:9") == 1
    assert tracking.addresses() == {"http://***@127.0.0.1:10": 1}


def test_a_store_in_a_file_is_the_projects_own_from_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for uri, expected in (
        ("", f"sqlite:///{tmp_path}/mlflow.db"),
        ("sqlite:///runs/all.db", f"sqlite:///{tmp_path}/runs/all.db"),
        ("sqlite:////var/runs.db", "sqlite:////var/runs.db"),
        ("http://localhost:5000", "http://localhost:5000"),
    ):
        monkeypatch.setenv(URI, uri)
        assert tracking.absolute_uri(tmp_path) == expected
