"""Delivers journals to the tracking server, in the background and in order.

An *outage* (no answer, no permission, a locked database) stops the delivery: one warning, and no
more tries for a minute. A *rejection* (the server answers and will never take this entry) drops
the entry with a warning, so that one bad entry does not keep all later ones waiting.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from huescape.tracking.entries import last_steps
from huescape.tracking.journal import Entry, Journal, entries_of, waiting
from huescape.tracking.ledger import Ledger
from huescape.tracking.notices import cause, say, warn

FLUSH_SECONDS = 5.0
OUTAGE_SECONDS = 60.0
METRICS_PER_BATCH = 1000  # what MLflow takes at once
PARENT_TAG = "mlflow.parentRunId"  # what makes MLflow show a run below another


class Outage(Exception):
    """The destination cannot be reached now; the message says why in one line."""


class Rejection(Exception):
    """The destination answers and will never take this entry; the message says why."""


class Point(NamedTuple):
    """One point of a metric's history; `time` in milliseconds since 1970."""

    key: str
    value: float
    time: int
    step: int


class Store(Protocol):
    """A place to deliver to. Every method raises Outage or Rejection, nothing else."""

    def find_or_create(self, header: Mapping[str, Any], run_id: str | None) -> str: ...
    def params(self, run_id: str, values: Mapping[str, str]) -> None: ...
    def tags(self, run_id: str, values: Mapping[str, str]) -> None: ...
    def metrics(self, run_id: str, points: Sequence[Point]) -> None: ...
    def picture(self, run_id: str, path: Path, name: str, step: int, time: int) -> None: ...
    def artifact(self, run_id: str, path: Path, folder: str) -> None: ...
    def model(self, run_id: str, folder: Path, name: str, entry: Mapping[str, Any]) -> None: ...
    def begin(self, run_id: str) -> None: ...
    def end(self, run_id: str, status: str, time: int, *, only_running: bool) -> None: ...


Connect = Callable[[str], Store]


def deliver(journal: Journal, store: Store, ledger: Ledger, told: Callable[[str], None]) -> None:
    """Send everything that the journal holds and was not acknowledged. Raises Outage."""
    entries = journal.unacknowledged()
    if not entries:
        return
    run = journal.header["run"]
    with ledger.locked("creation"):  # two processes must not make the same run twice
        run_id = _made(journal.header, store, ledger)
    told(run_id)
    while entries:
        for group in _groups(entries):
            try:
                _send(journal, store, run_id, group)
            except Rejection as error:
                warn(f"MLflow run {run_id}: {group[0].content['kind']} not taken: {error}")
            if steps := last_steps(entry.content for entry in group):
                ledger.remember_steps(run, steps)
            journal.acknowledge(group[-1].end)
        entries = journal.unacknowledged()


def _made(header: Mapping[str, Any], store: Store, ledger: Ledger) -> str:
    """Id of the header's run, made where the store has none.

    A child brings its parent's header along: the parent's own journal may be delivered later.
    """
    if parent := header.get("parent"):
        tags = {**header["tags"], PARENT_TAG: _made(parent, store, ledger)}
        header = {**header, "tags": tags}
    run_id = store.find_or_create(header, ledger.run_id(header["run"]))
    ledger.remember_run(header["run"], header["destination"], run_id)
    return run_id


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries as they are sent: neighboring metrics together, everything else alone."""
    group: list[Entry] = []
    points = 0
    for entry in entries:
        content = entry.content
        size = len(content["values"]) if content["kind"] == "metrics" else 0
        if group and (not size or points + size > METRICS_PER_BATCH):
            yield group
            group, points = [], 0
        if size:
            group.append(entry)
            points += size
        else:
            yield [entry]
    if group:
        yield group


def _send(journal: Journal, store: Store, run_id: str, group: Sequence[Entry]) -> None:
    entry = group[0].content
    kind, name = entry["kind"], journal.header["name"]
    path = journal.folder / entry.get("path", "")
    if not path.exists():  # of a journal that lost it: no other try will find it
        raise Rejection(f"{path} is gone")
    if kind == "metrics":
        store.metrics(run_id, _points(group))
    elif kind == "params":
        store.params(run_id, entry["values"])
    elif kind == "tags":
        store.tags(run_id, entry["values"])
    elif kind == "picture":
        store.picture(run_id, path, entry["name"], entry["step"], entry["time"])
    elif kind == "artifact":
        store.artifact(run_id, path, entry["folder"])
    elif kind == "model":
        store.model(run_id, path, name, entry)
    elif kind == "begin":
        store.begin(run_id)
    elif kind == "end":
        attached = bool(journal.header["attached"])
        store.end(run_id, entry["status"], entry["time"], only_running=attached)


def _points(group: Sequence[Entry]) -> list[Point]:
    return [
        Point(key, value, entry.content["time"], entry.content["step"])
        for entry in group
        for key, value in entry.content["values"].items()
    ]


class Courier:
    """Delivers journals and keeps from knocking at a closed door."""

    def __init__(self, ledger: Ledger, connect: Connect) -> None:
        self.ledger = ledger
        self._connect = connect
        self._stores: dict[str, Store] = {}
        self._failed: dict[str, float] = {}
        self._warned: set[str] = set()

    def out(self, destination: str, patience: float | None = None) -> bool:
        """Whether the destination failed less than `patience` seconds ago (a minute by default)."""
        patience = OUTAGE_SECONDS if patience is None else patience
        return time.monotonic() < self._failed.get(destination, -math.inf) + patience

    def carry(
        self,
        journal: Journal,
        told: Callable[[str], None] = lambda run_id: None,
        patience: float | None = None,
    ) -> bool:
        """Deliver a journal; False, after one warning for each destination, on an outage.

        A destination that failed less than `patience` seconds ago is not tried.
        """
        destination = str(journal.header["destination"])
        if self.out(destination, patience):
            return False
        try:
            if destination not in self._stores:
                # Two processes must not make the tables of one new SQLite file.
                with self.ledger.locked("creation"):
                    self._stores[destination] = self._connect(destination)
            deliver(journal, self._stores[destination], self.ledger, told)
        except Outage as error:
            self._failed[destination] = time.monotonic()
            self._warn(destination, str(error))
            return False
        return True

    def carry_backlog(self) -> int:
        """Deliver, oldest first, the journals that no live process holds; how many were."""
        delivered = 0
        for folder in waiting(self.ledger.pending):
            journal = Journal.adopt(folder)
            if journal is None:
                continue
            try:
                if self.carry(journal) and self._end_orphan(journal):
                    journal.remove()
                    delivered += 1
            finally:
                journal.close()
        return delivered

    def _end_orphan(self, journal: Journal) -> bool:
        """A process that never said how its run ended was killed: say that for it."""
        entries = entries_of(journal.folder)
        if not entries or entries[-1]["kind"] == "end":
            return True
        ended = max(entry["time"] for entry in entries)
        run_id = self.ledger.run_id(journal.header["run"])
        try:
            store = self._stores[str(journal.header["destination"])]
            if run_id is not None:
                store.end(run_id, "KILLED", ended, only_running=True)
        except Outage:
            return False
        except Rejection as error:
            warn(f"MLflow run {run_id}: {error}")
        return True

    def _warn(self, destination: str, reason: str) -> None:
        if destination not in self._warned:
            self._warned.add(destination)
            warn(
                f"MLflow at {destination} cannot be reached ({reason}); what is recorded waits in "
                f"{self.ledger.pending} and is sent when a later stage or `huescape track` "
                "reaches it"
            )


class Publisher(threading.Thread):
    """The thread behind a recorder: first what earlier processes left, then its own journal."""

    def __init__(self, journal: Journal, courier: Courier) -> None:
        super().__init__(name="tracking", daemon=True)
        self._journal = journal
        self._courier = courier
        self._closing = threading.Event()
        self._told = False
        self._delivered = False

    def run(self) -> None:
        """Deliver until told to finish. Whatever goes wrong here is a line, never an exception."""
        try:
            self._courier.carry_backlog()
            while not self._closing.is_set():
                self._courier.carry(self._journal, self._tell)
                self._closing.wait(FLUSH_SECONDS)
            # The last chance: a server that was down a while ago may be back.
            self._delivered = self._courier.carry(self._journal, self._tell, FLUSH_SECONDS)
        except Exception as error:
            warn(f"tracking stops: {type(error).__name__}: {cause(error)}")

    def finish(self, seconds: float) -> None:
        """Send what is left, for at most `seconds`; the journal goes when all was delivered."""
        self._closing.set()
        self.join(seconds)
        if self.is_alive():
            # The journal stays locked until this process ends, so nobody sends it twice meanwhile.
            warn(
                f"MLflow is slow: what is not sent after {seconds:g} s waits in "
                f"{self._courier.ledger.pending} for the next stage"
            )
        elif self._delivered:
            self._journal.remove()
        else:
            self._journal.close()

    def _tell(self, run_id: str) -> None:
        if not self._told:
            self._told = True
            header = self._journal.header
            say(f"MLflow run {header['name']} {run_id} in {header['destination']}")
