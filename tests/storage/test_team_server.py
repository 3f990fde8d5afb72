"""`deploy/mlflow/serve`: PostgreSQL and S3 behind a server of MLflow, with several writers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from huescape import tracking
from huescape.coloring.painting import colorize
from huescape.params.decodings import ANNEALED
from huescape.systems.system import load_system
from huescape.tracking import recorder as recording
from tests.coloring.systems import picture
from tests.storage.team_server import ROOT, Place, client_of_the_server, place
from tests.tracking.conftest import _quick, empty_store, evaluation, model, project, store
from tests.tracking.test_outages import DATASET, STEPS, check_run, record, until_sent
from tests.tracking.test_promote import promote, train
from tests.tracking.test_runs import history, runs

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
pytestmark = pytest.mark.long

WRITER = """
import sys
from pathlib import Path
from huescape import tracking
from huescape.tracking import recorder
recorder.CLOSE_SECONDS = 300.0  # however busy the machine is
name = sys.argv[1]
with tracking.start_training(name, {"lr": 1}, {"name": "p", "digest": "d"}, resume_key=name) as one:
    for step in range(1, 51):
        one.metrics(step, {"loss": 1.0 / step})
    one.model(Path("models/colorunet"))
"""


def test_several_write_at_once_and_the_best_is_loaded_back(
    place: Place, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writers are clones of the project: they share nothing but the server."""
    monkeypatch.setattr(recording, "CLOSE_SECONDS", 300.0)  # however busy the machine is
    names = [f"writer{n}" for n in range(4)]
    for name in names:
        shutil.copytree("models", Path(name) / "models")
    with place.serving():
        # However busy the machine is: a server that does not answer gets its runs later.
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        environment["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "120"
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, name], cwd=name, env=environment, stderr=PIPE
            )
            for name in names
        ]
        told = [writer.communicate(timeout=300)[1].decode() for writer in writers]
        assert not any("cannot be used" in text for text in told), told
        assert [writer.returncode for writer in writers] == [0] * len(names)
        client = MlflowClient(place.uri)
        found = {run.info.run_name: run for run in runs(client)}
        assert sorted(found) == names
        for run in found.values():
            assert run.info.status == "FINISHED"
            assert len(history(client, run, "loss")) == 50
            assert len(run.outputs.model_outputs) == 1
        _promotes(client)
        keys = [o["Key"] for o in place.s3.client.list_objects_v2(Bucket="team")["Contents"]]
        assert any(key.endswith("weights.safetensors") for key in keys)


def _promotes(client: MlflowClient) -> None:
    """The registry gives `best` to the better one; its model comes back through the server."""
    train("one", 4)
    better = train("two", 0, reach=0.2)
    assert promote("one") == 0
    assert promote("two", "--alias", "candidate") == 0
    assert client.get_model_version_by_alias("land", "best").version == "1"
    assert promote("two") == 0
    assert client.get_model_version_by_alias("land", "best").version == "2"
    photo = picture(16, 24)
    loaded = mlflow.pyfunc.load_model("models:/land@best")
    [colored] = loaded.predict(pd.DataFrame({"image": [photo]}))["image"]
    assert np.array_equal(colored, colorize(load_system(better), photo, ANNEALED, as_print=True))


def test_a_killed_server_gets_the_rest_when_it_is_back(
    place: Place, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database outlives it, and the next one finds it."""
    monkeypatch.setattr(recording, "OUTAGE_SECONDS", 0.5)
    recorder = tracking.start_training("colorunet", {"lr": 1}, DATASET, resume_key="k")
    with place.serving(end=signal.SIGKILL):
        record(recorder, 1, 3)
        until_sent(MlflowClient(place.uri))
    record(recorder, 4, STEPS)
    recorder.model(model)
    began = time.monotonic()
    recorder.close()
    assert time.monotonic() - began < 60, "nobody waits for a server that is gone"
    assert tracking.addresses().total() == 1
    with place.serving():
        assert tracking.publish_folders(Path("none"), Path("none")) == 1
        check_run(place.uri, model)
