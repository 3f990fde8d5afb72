"""MLflow's own users on `deploy/mlflow/serve`: who may what, and what is said to who may not."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from huescape import cli, tracking
from huescape.coloring.painting import colorize
from huescape.params.decodings import ANNEALED
from huescape.systems.system import load_system
from huescape.tracking import recorder as recording
from tests.coloring.systems import picture
from tests.storage.team_server import Place, client_of_the_server, place
from tests.tracking.conftest import _quick, empty_store, evaluation, model, project, store
from tests.tracking.test_outages import DATASET, train
from tests.tracking.test_promote import promote, score
from tests.tracking.test_runs import runs

__all__ = [  # fixtures
    "_quick",
    "client_of_the_server",
    "empty_store",
    "evaluation",
    "model",
    "place",
    "project",
    "store",
]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("flask_wtf") is None,
        reason="needs Flask-WTF, of the extra server",
    ),
]

USERS = ("--app-name", "basic-auth")
NAME, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
ENDING = "-and-a-long-password"  # of all passwords here
LOGIN = f"it wants a login, or refuses this one (401): set {NAME} and {PASSWORD}"
REFUSED = f"the user of {NAME} is refused"


@dataclass
class Person:
    """Whoever sits at the client, by the name that is set."""

    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]
    all_said: str = ""

    def becomes(self, name: str, password: str = "") -> None:
        self.patch.setenv(NAME, name)
        self.patch.setenv(PASSWORD, password or name + ENDING)

    def is_told(self, expected: str) -> None:
        """In one line of standard error, or else as the last one of standard output."""
        out, err = self.captured.readouterr()
        self.all_said += out + err
        [line] = err.splitlines() or out.splitlines()[-1:]
        assert expected in line


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Person:
    monkeypatch.setattr(recording, "CLOSE_SECONDS", 300.0)  # however busy the machine is
    return Person(monkeypatch, capsys)


def test_who_may_what(place: Place, model: Path, person: Person) -> None:
    score("colorunet", 4, model)
    with place.serving(*USERS, MLFLOW_AUTH_ADMIN_PASSWORD=f"admin{ENDING}"):
        _without_a_login(person, model)
        person.becomes("admin")
        _make_users(place.uri)
        _writes(person, model)
        _reads(person, model)
        client = MlflowClient(place.uri)
        _promotes(person, client)
        told = str([run.to_dictionary() for run in runs(client)])
    key = (place.folder / "forms.key").read_bytes()
    with place.serving(*USERS):  # without the first password
        assert len(runs(client)) == 2
    assert (place.folder / "forms.key").read_bytes() == key
    _kept_to_itself(place, person.all_said + told)


def _without_a_login(person: Person, model: Path) -> None:
    train(model)
    person.is_told(LOGIN)
    person.becomes("admin", f"wrong{ENDING}")
    train(model)
    person.is_told(LOGIN)
    assert tracking.addresses().total() == 2, "nothing is lost"


def _writes(person: Person, model: Path) -> None:
    person.becomes("writer")
    train(model)
    person.is_told("MLflow run colorunet: ")
    assert cli.main(["track"]) == 0
    assert tracking.addresses().total() == 0
    assert promote("colorunet") == 0
    person.is_told("promote: land version 1 is best now (models:/land@best)")


def _reads(person: Person, model: Path) -> None:
    person.becomes("reader")
    with tracking.start_training("other", {"lr": 1}, DATASET) as recorder:
        recorder.metrics(1, {"loss": 1.0})
    person.is_told(f"{REFUSED} runs/create (403): an admin of the server lets users EDIT")
    assert promote("colorunet", "--alias", "candidate") == 1
    person.is_told(REFUSED)
    photo = picture(16, 24)
    loaded = mlflow.pyfunc.load_model("models:/land@best")
    [colored] = loaded.predict(pd.DataFrame({"image": [photo]}))["image"]
    assert np.array_equal(colored, colorize(load_system(model), photo, ANNEALED, as_print=True))


def _promotes(person: Person, client: MlflowClient) -> None:
    """Somebody who has made neither the run nor the registered model, and has what waits."""
    person.becomes("promoter")
    assert promote("colorunet", "--alias", "candidate") == 0
    assert client.get_model_version_by_alias("land", "candidate").version == "1"
    assert cli.main(["track"]) == 0
    person.is_told("published: 1")
    assert {run.info.run_name for run in runs(client)} == {"colorunet", "other"}
    with pytest.raises(MlflowException, match="403"):
        client.delete_run(runs(client)[0].info.run_id)


def _make_users(uri: str) -> None:
    """As docs/tracking.md has it."""
    from mlflow.server import get_app_client

    users = get_app_client("basic-auth", uri)
    for name in ("reader", "writer", "promoter"):
        users.create_user(name, name + ENDING)
    for name in ("writer", "promoter"):
        users.grant_user_permission(name, "experiment", "*", "EDIT")
        users.grant_user_permission(name, "registered_model", "*", "EDIT")


def _kept_to_itself(place: Place, told: str) -> None:
    """No password in a line, a run, a file of the project or the server, or an object of S3."""
    assert ENDING not in told
    files = [path for root in (Path(), place.folder) for path in root.rglob("*") if path.is_file()]
    assert any("postgres" in path.parts for path in files)
    assert not [path for path in files if ENDING.encode() in path.read_bytes()]
    assert not [path for path in files if path.name == "basic_auth.db"]
    keys = [o["Key"] for o in place.s3.client.list_objects_v2(Bucket="team")["Contents"]]
    for key in keys:
        body = place.s3.client.get_object(Bucket="team", Key=key)["Body"].read()
        assert ENDING.encode() not in body, key
    for name in ("forms.key", "users.ini"):
        assert (place.folder / name).stat().st_mode & 0o777 == 0o600
