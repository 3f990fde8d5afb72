"""Delivery against a store in memory that fails where it is told to."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.tracking import publisher as publishers
from huescape.tracking.journal import Journal, waiting
from huescape.tracking.ledger import Ledger
from huescape.tracking.publisher import Courier, Outage, Point, Publisher, Rejection


class MemoryStore:
    """Keeps what it is given; raises at the calls whose numbers are in `outages`."""

    def __init__(self, outages: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.outages = outages
        self.rejected_tag = ""
        self.calls = 0
        self.batches: list[int] = []
        self.points: list[Point] = []
        self.log: list[Any] = []
        self.status = ""

    def _call(self) -> None:
        self.calls += 1
        if self.calls in self.outages:
            raise Outage("down")

    def find_or_create(self, header: Mapping[str, Any], run_id: str | None) -> str:
        self._call()
        return run_id or f"id-{header['run']}"

    def params(self, run_id: str, values: Mapping[str, str]) -> None:
        self._call()
        self.log.append(dict(values))

    def tags(self, run_id: str, values: Mapping[str, str]) -> None:
        self._call()
        if self.rejected_tag in values:
            raise Rejection("never")
        self.log.append(dict(values))

    def metrics(self, run_id: str, points: Sequence[Point]) -> None:
        self._call()
        self.batches.append(len(points))
        self.points += points

    def picture(self, run_id: str, path: Path, name: str, step: int, time: int) -> None:
        self._call()

    def artifact(self, run_id: str, path: Path, folder: str) -> None:
        self._call()
        self.log.append(path.read_bytes())

    def model(self, run_id: str, folder: Path, name: str, entry: Mapping[str, Any]) -> None:
        self._call()

    def begin(self, run_id: str) -> None:
        self._call()
        self.status = "RUNNING"

    def end(self, run_id: str, status: str, time: int, *, only_running: bool) -> None:
        self._call()
        if not only_running or self.status == "RUNNING":
            self.status = status


def start(folder: Path, run: str = "r", **header: Any) -> tuple[Ledger, Journal]:
    ledger = Ledger(folder)
    ledger.pending.mkdir(parents=True, exist_ok=True)
    about = {"created": 1, "params": {}, "tags": {}, "dataset": None, "attached": False}
    content = {"run": run, "name": "s", "destination": "memory:", **about, **header}
    return ledger, Journal.create(ledger.pending, content)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["metrics", "tags"]), max_size=25),
    st.sets(st.integers(1, 30), max_size=6),
)
def test_whatever_call_fails_everything_arrives_once_and_in_order(
    kinds: list[str], outages: set[int]
) -> None:
    store = MemoryStore(outages)
    with tempfile.TemporaryDirectory() as folder:
        ledger, journal = start(Path(folder))
        for number, kind in enumerate(kinds):
            values = {"k": number} if kind == "metrics" else {"number": str(number)}
            journal.append(kind, step=number, values=values)
        tries = 0
        while not Courier(ledger, lambda destination: store).carry(journal):
            tries += 1
            assert tries <= len(outages)
        assert [p.step for p in store.points] == [n for n, k in enumerate(kinds) if k == "metrics"]
        sent = [int(entry["number"]) for entry in store.log]
        assert sent == [n for n, k in enumerate(kinds) if k == "tags"]
        journal.remove()


def test_metrics_are_sent_in_batches_that_mlflow_takes(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger, journal = start(tmp_path)
    for step in range(700):
        journal.append("metrics", step=step, values={"a": 1.0, "b": 2.0, "c": 3.0})
    assert Courier(ledger, lambda destination: store).carry(journal)
    assert len(store.points) == 2100
    assert store.batches == [999, 999, 102]
    assert ledger.last_steps("r") == {"a": 699, "b": 699, "c": 699}


def test_a_rejected_entry_does_not_hold_up_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    store.rejected_tag = "bad"
    ledger, journal = start(tmp_path)
    journal.append("tags", values={"bad": "1"})
    journal.append("tags", values={"good": "1"})
    journal.append("of a later version", values={})
    assert Courier(ledger, lambda destination: store).carry(journal)
    assert store.log == [{"good": "1"}]
    assert "tags not taken: never" in capsys.readouterr().err


def test_an_outage_is_told_once_and_not_knocked_at_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore({1, 2})
    ledger, journal = start(tmp_path)
    journal.append("begin")
    courier = Courier(ledger, lambda destination: store)
    for _ in range(5):
        assert not courier.carry(journal)
    assert store.calls == 1
    monkeypatch.setattr(publishers, "OUTAGE_SECONDS", 0.0)
    courier._failed.clear()  # a minute later
    assert not courier.carry(journal)
    assert courier.carry(journal)
    assert capsys.readouterr().err.count("cannot be reached (down)") == 1


def test_the_backlog_goes_first_and_an_orphan_is_marked_killed(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger, orphan = start(tmp_path)
    orphan.append("begin")
    orphan.append("metrics", step=1, values={"loss": 1.0})
    orphan.close()
    _, live = start(tmp_path, "other")
    live.append("tags", values={"live": "yes"})
    assert Courier(ledger, lambda destination: store).carry_backlog() == 1
    assert (store.status, len(store.points), store.log) == ("KILLED", 1, [])
    assert waiting(ledger.pending) == [live.folder]


def test_an_orphan_stays_when_the_end_cannot_be_told(tmp_path: Path) -> None:
    store = MemoryStore({3})  # find_or_create, begin, end
    ledger, orphan = start(tmp_path)
    orphan.append("begin")
    orphan.close()
    assert Courier(ledger, lambda destination: store).carry_backlog() == 0
    assert Courier(ledger, lambda destination: store).carry_backlog() == 1
    assert store.status == "KILLED"


def test_other_destinations_are_served_when_one_is_down(tmp_path: Path) -> None:
    down, up = MemoryStore(set(range(99))), MemoryStore()
    stores = {"down:": down, "up:": up}
    for run, destination in (("a", "down:"), ("b", "up:"), ("c", "down:"), ("d", "up:")):
        ledger, journal = start(tmp_path, run, destination=destination)
        journal.append("end", status="FINISHED")
        journal.close()
    assert Courier(ledger, stores.__getitem__).carry_backlog() == 2
    assert down.calls == 1
    assert len(waiting(ledger.pending)) == 2


def test_closing_does_not_wait_for_a_store_that_hangs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Hanging(MemoryStore):
        def _call(self) -> None:
            time.sleep(3)

    ledger, journal = start(tmp_path)
    journal.append("begin")
    publisher = Publisher(journal, Courier(ledger, lambda destination: Hanging()))
    publisher.start()
    began = time.monotonic()
    publisher.finish(0.3)
    assert time.monotonic() - began < 2
    assert "MLflow is slow" in capsys.readouterr().err
    assert Journal.adopt(journal.folder) is None, "the thread may still be sending it"
    publisher.join()


def test_a_fault_in_the_publisher_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def connect(destination: str) -> MemoryStore:
        raise KeyError("a bug")

    ledger, journal = start(tmp_path)
    journal.append("begin")
    publisher = Publisher(journal, Courier(ledger, connect))
    publisher.start()
    publisher.finish(5)
    assert "tracking stops: KeyError" in capsys.readouterr().err
    assert waiting(ledger.pending) == [journal.folder]
