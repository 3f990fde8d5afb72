"""What is watched while a training goes on for an hour."""

from __future__ import annotations

import sqlite3
import time

import pytest
from mlflow.tracking import MlflowClient

from benchmarks.soak import Record, Sampler
from huescape import tracking
from tests.tracking.conftest import empty_store, project, store  # noqa: F401
from tests.tracking.test_runs import DATASET, PARAMS


@pytest.mark.long
def test_an_outage_shows_as_the_age_of_what_is_unsent(project: MlflowClient) -> None:  # noqa: F811
    def sampled() -> float:
        record = Record()
        sampler = Sampler(record, 0.0)
        sampler.recorder = recorder
        return sampler.oldest_unsent()

    with tracking.start_training("colorunet", PARAMS, DATASET) as recorder:
        recorder.metrics(1, {"loss": 1.0})
        until = time.monotonic() + 60
        while recorder.oldest_unsent is not None and time.monotonic() < until:
            time.sleep(0.1)
        assert sampled() == 0
        holder = sqlite3.connect("mlflow.db", isolation_level=None, timeout=30)
        holder.execute("begin exclusive")
        recorder.metrics(2, {"loss": 0.5})
        time.sleep(4)  # the thread has taken it from the queue by now
        assert 3.5 < sampled() < 60
        holder.execute("rollback")
        holder.close()
    assert sampled() == 0
