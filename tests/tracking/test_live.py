"""What is sent of a run while it goes on, and what is kept for the next time."""

from __future__ import annotations

import sqlite3
from queue import Queue
from typing import Any

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from huescape.tracking.live import Live
from huescape.tracking.notices import Outage
from huescape.tracking.records import describe
from tests.tracking.test_runs import DATASET, history, runs


@pytest.mark.long
def test_what_could_not_be_sent_goes_out_with_what_came_after(project: MlflowClient) -> None:
    live = Live(describe("k", "s", {}, DATASET, {}))
    numbers: Queue[Any] = Queue()
    pictures: Queue[Any] = Queue()
    numbers.put((1, 1, {"loss": 1.0}))
    live.send(numbers, pictures)
    assert live.oldest_unsent is None
    numbers.put((2, 2, {"loss": 2.0}))
    pictures.put((2, 2, ("a:b", np.zeros((8, 8, 3), np.uint8))))
    holder = sqlite3.connect("mlflow.db", isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.raises(Outage, match="locked"):
        live.send(numbers, pictures)
    assert live.oldest_unsent == 2
    holder.execute("rollback")
    holder.close()
    numbers.put((3, 3, {"loss": 3.0}))
    live.end(numbers, pictures)
    assert live.oldest_unsent is None
    [run] = runs(project)
    assert [step for step, _ in history(project, run, "loss")] == [1, 2, 3]
    assert len(project.list_artifacts(run.info.run_id, "images")) == 2
