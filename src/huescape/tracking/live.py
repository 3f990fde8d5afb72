"""A run while it goes on: from the queues of a recorder to the store, whatever it has left out."""

from __future__ import annotations

import json
import re
from queue import Empty, Queue
from typing import Any

from PIL import Image

from huescape.tracking.context import allowed_key
from huescape.tracking.mlflow_api import Run
from huescape.tracking.records import Record
from huescape.tracking.store import Point, Store, connect, outages

HOLES_TAG = "huescape.holes"  # pairs of steps between which a kill may have cost points
_HOLES = 300  # that fit into a tag


class Live:
    """The run of a record, found or made at the first `send`. Not for more than one thread."""

    def __init__(self, record: Record) -> None:
        self._record, self.page = record, ""
        self._store: Store | None = None
        self._run: Run | None = None
        self._monitor: Any = None
        self._numbers: list[tuple[int, int, Any]] = []
        self._pictures: list[tuple[int, int, Any]] = []
        self._steps: dict[str, set[int]] = {}
        self._shown: set[tuple[str, int]] = set()

    @property
    def oldest_unsent(self) -> int | None:
        """When the oldest numbers were recorded that were taken from a queue and are not sent."""
        return next((time for _, time, _ in self._numbers), None)

    def send(self, numbers: Queue[Any], pictures: Queue[Any]) -> str:
        """Send what is in the queues, and what was not sent before; the run's id.

        Raises Outage and Unusable; what could not be sent is kept for the next time.
        """
        with outages():
            store = self._store = self._store or connect(None)
            run = self._run = self._run or self._opened(store)
            run_id = str(run.info.run_id)
            self.page = store.page(run_id)
            while waiting := self._numbers or _taken(numbers):
                self._numbers = waiting
                self._send_numbers(store, run)
            while shots := self._pictures or _taken(pictures):
                self._pictures = shots
                self._send_picture(store, run_id, *shots[0])
                del self._pictures[0]
            return run_id

    def _opened(self, store: Store) -> Run:
        run = store.open(self._record)
        self._steps, self._shown = store.steps(run), store.pictures(run.info.run_id)
        self._monitor = store.begin(run.info.run_id)
        return run

    def _send_numbers(self, store: Store, run: Run) -> None:
        first, _, values = self._numbers[0]
        if "holes" not in self._record:
            # What lies before was sent by an earlier process, or was lost with it.
            last = max((max(self._steps[key]) for key in values if self._steps.get(key)), default=0)
            holes = [*json.loads(run.data.tags.get(HOLES_TAG, "[]")), [last, first]][-_HOLES:]
            store.client.set_tag(run.info.run_id, HOLES_TAG, json.dumps(holes))
            self._record["holes"] = holes
        points = [
            Point(key, value, time, step)
            for step, time, values in self._numbers
            for key, value in values.items()
            if step not in self._steps.get(allowed_key(key), ())
        ]
        if points:
            store.add_points(run.info.run_id, points)
        self._numbers = []

    def _send_picture(
        self, store: Store, run_id: str, step: int, time: int, named: tuple[str, Any]
    ) -> None:
        key = re.sub(r"[^A-Za-z0-9_\-./ ]", "_", named[0])  # all that MLflow takes here
        if (key, step) not in self._shown:
            picture = Image.fromarray(named[1])
            store.client.log_image(
                run_id, picture, key=key, step=step, timestamp=time, synchronous=True
            )
        self._shown.add((key, step))

    def end(self, numbers: Queue[Any], pictures: Queue[Any]) -> Store:
        """Send what is left, and no more of the machine; the store. Raises as `send` does."""
        self.send(numbers, pictures)
        assert self._store is not None
        if self._monitor is not None:
            self._monitor.finish()
        return self._store


def _taken(queue: Queue[Any]) -> list[tuple[int, int, Any]]:
    found = []
    try:
        while True:
            found.append(queue.get_nowait())
    except Empty:
        return found
