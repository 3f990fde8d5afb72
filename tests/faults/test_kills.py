"""A few kills of the real pipeline; `make faults` makes hundreds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.episode import Episode, Plan
from tests.faults.project import Starts, make_starts

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    yield make_starts(tmp_path_factory.mktemp("starts"), replaced=False)


@pytest.mark.parametrize(
    ("seed", "start", "kills", "tracking"),
    [("short/1", "photos", 5, False), ("short/2", "shards", 3, True)],
)
def test_a_project_that_was_killed_ends_as_one_that_was_not(
    starts: Starts, tmp_path: Path, seed: str, start: str, kills: int, tracking: bool
) -> None:
    plan = Plan(0, seed, start, kills, tracking)
    outcome = Episode(plan, starts, tmp_path / "project", threading.Event()).run()
    assert outcome.kills, "an episode without a kill proves nothing"
    assert outcome.good, outcome
